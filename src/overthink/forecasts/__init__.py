"""Forecasts at budgets beyond those that were measured."""

from overthink.forecasts.result import Forecast, forecast

__all__ = ["Forecast", "forecast"]
