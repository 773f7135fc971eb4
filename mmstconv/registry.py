"""MMAction2's registries under the scope ``mmstconv``.

Everything of ours is registered in ``mmaction.registry``. But a config inherited by
``_base_ = 'mmstconv::...'`` reaches MMEngine marked with this scope, and MMEngine then
looks for registries of that name: each is an empty child of MMAction2's, where every
look-up ends.
"""

from mmaction import registry
from mmengine.registry import Registry

from .private_names import locations_of

globals().update(
    {
        name: Registry(
            parent.name,
            parent=parent,
            scope="mmstconv",
            # a look-up imports the locations of the registry it starts from only
            locations=["mmstconv", *locations_of(parent)],
        )
        for name, parent in vars(registry).items()
        if isinstance(parent, Registry) and parent.scope == "mmaction"
    }
)
