"""Forecasts at budgets beyond those that were measured."""

from overthink.core.forecast.result import Forecast, forecast

__all__ = ["Forecast", "forecast"]
