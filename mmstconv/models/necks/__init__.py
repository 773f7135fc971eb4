"""From maps to one feature a time step."""

from .lstm_neck import LSTMTemporalNeck
from .pool_neck import PoolNeck

__all__ = ["LSTMTemporalNeck", "PoolNeck"]
