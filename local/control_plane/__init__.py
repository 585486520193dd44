"""Runs etcd, kube-apiserver and kube-controller-manager, and installs the definitions that stacks rely on."""

ETCD = "etcd"
KUBE_APISERVER = "kube-apiserver"
KUBE_CONTROLLER_MANAGER = "kube-controller-manager"
PROGRAMS = (KUBE_CONTROLLER_MANAGER, KUBE_APISERVER, ETCD)
"""In the order in which they must be stopped: an API server is slow to end while it is watched, or without its etcd."""
