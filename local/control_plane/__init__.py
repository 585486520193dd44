"""Runs etcd, kube-apiserver and kube-controller-manager, and installs what stacks rely on."""
