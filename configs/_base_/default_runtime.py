custom_imports = dict(imports=["mmstconv"], allow_failed_imports=False)
default_scope = "mmaction"

default_hooks = dict(
    runtime_info=dict(type="RuntimeInfoHook"),
    timer=dict(type="IterTimerHook"),
    logger=dict(type="EpochLoggerHook"),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(
        type="AtomicCheckpointHook", interval=1, max_keep_ckpts=3, save_best="acc/top1"
    ),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    sync_buffers=dict(type="SyncBuffersHook"),
    invalid_loss=dict(type="InvalidLossHook"),
    bad_samples=dict(type="BadSampleHook", max_share=0.1, max_in_a_row=10),
    consistency=dict(type="ConsistencyHook"),
    presence=dict(type="PresenceHook"),
    film_cache=dict(type="FilmCacheHook"),
)
# For those of children: what is above stays with a child that sets this list.
custom_hooks = []

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    # seconds until a process that waits for another gives up
    dist_cfg=dict(backend="nccl", timeout=900),
)
log_processor = dict(type="LogProcessor", window_size=20, by_epoch=True)
vis_backends = [dict(type="LocalVisBackend")]
visualizer = dict(type="ActionVisualizer", vis_backends=vis_backends)
log_level = "INFO"
load_from = None
resume = False
