"""What compute costs and the best use of it: tokens, FLOP, USD and seconds; frontiers; arms at equal compute."""
