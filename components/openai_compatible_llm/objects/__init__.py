"""Makes Kubernetes objects for a component, whatever it is about."""

from .factory import SECRETS, Object, ObjectFactory, ObjectPlan, ObjectSettings
from .outputs import output, outputs_of

__all__ = ["SECRETS", "Object", "ObjectFactory", "ObjectPlan", "ObjectSettings", "output", "outputs_of"]
