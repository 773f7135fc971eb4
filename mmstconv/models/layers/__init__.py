from .conv_stage import ConvStage, check_stages
from .lengths import check_lengths, length_mask
from .norm_eval import freeze_norm_statistics
from .pool_space import pool_space
from .pooling import Pool
from .st_pool import SpatioTemporalPool, read_pool
from .temporal_reduction import (
    AttentionOverTime,
    LastState,
    MeanOverTime,
    TemporalReduction,
)

__all__ = [
    "AttentionOverTime",
    "ConvStage",
    "LastState",
    "MeanOverTime",
    "Pool",
    "SpatioTemporalPool",
    "TemporalReduction",
    "check_lengths",
    "check_stages",
    "freeze_norm_statistics",
    "length_mask",
    "pool_space",
    "read_pool",
]
