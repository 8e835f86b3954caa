"""Chart data from findings, and the chart specifications that draw them."""
