"""Every decision of a study, made before the first call: tasks, ladder, arms, stopping, analysis."""
