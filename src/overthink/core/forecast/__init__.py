"""Forecasts of what happens at budgets nobody paid for."""

from overthink.core.forecast.result import Forecast, forecast

__all__ = ["Forecast", "forecast"]
