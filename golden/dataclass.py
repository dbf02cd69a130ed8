"""``dataclass`` with ``kw_only`` for Python 3.8 and later: boards run old versions.

Modules that a board imports use this one, and nothing else that is newer than Python 3.8.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform() -> Any:
        return lambda function: function


if sys.version_info >= (3, 10):
    from dataclasses import dataclass
else:
    import dataclasses

    @dataclass_transform()
    def dataclass(*, frozen: bool, kw_only: bool = False) -> Any:
        """See :func:`dataclasses.dataclass` of Python 3.10."""
        if not kw_only:
            return dataclasses.dataclass(frozen=frozen)

        def decorate(cls: Any) -> Any:
            # dataclasses' own __init__ refuses a field without default after one with a default.
            cls.__init__ = _take_keywords
            return dataclasses.dataclass(frozen=frozen, init=False)(cls)

        return decorate

    def _take_keywords(self: Any, **values: Any) -> None:
        for field in dataclasses.fields(self):
            if field.name in values:
                value = values.pop(field.name)
            elif field.default is not dataclasses.MISSING:
                value = field.default
            elif field.default_factory is not dataclasses.MISSING:
                value = field.default_factory()
            else:
                raise TypeError(f"{type(self).__name__} needs {field.name}")
            object.__setattr__(self, field.name, value)
        if values:
            raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")
        if hasattr(self, "__post_init__"):
            self.__post_init__()


__all__ = ["dataclass"]
