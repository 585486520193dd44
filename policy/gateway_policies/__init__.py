"""The rules, as pure functions of Kubernetes objects: nothing here knows of Pulumi."""
