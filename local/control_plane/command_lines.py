"""Builds the command lines of the control plane's programs.

etcd listens on a socket in the state folder, which its owner alone can enter; the API server on loopback, where it
requires a client certificate.
"""

from local.control_plane.certificates import Certificates
from local.folders import StateFolder
from local.toolchain.binaries import Binaries

# Below the state folder, in which the programs run: the path of a socket has 107 characters at most.
ETCD_SOCKET = "etcd.socket"


def etcd(binaries: Binaries, state: StateFolder) -> list[str]:
    return [
        str(binaries.etcd),
        f"--data-dir={state.etcd}",
        f"--listen-client-urls=unix://{ETCD_SOCKET}",
        # etcd insists on addresses for clients elsewhere and for other members, of which there are none.
        "--advertise-client-urls=http://localhost:0",
        "--listen-peer-urls=unix://etcd-peer.socket",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def kube_apiserver(binaries: Binaries, certificates: Certificates, port: int) -> list[str]:
    return [
        str(binaries.kube_apiserver),
        f"--etcd-servers=unix://{ETCD_SOCKET}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        # Otherwise it publishes an endpoint for the service `kubernetes`, and is refused: the address is loopback.
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={certificates.server}",
        f"--tls-private-key-file={certificates.server}",
        f"--client-ca-file={certificates.authority}",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={certificates.server}",
        f"--service-account-signing-key-file={certificates.server}",
        "--service-cluster-ip-range=10.0.0.0/24",
        # That plugin requires service accounts, and no controller here creates them.
        "--disable-admission-plugins=ServiceAccount",
    ]


def kube_controller_manager(binaries: Binaries, state: StateFolder) -> list[str]:
    return [
        str(binaries.kube_controller_manager),
        f"--kubeconfig={state.kubeconfig}",
        "--controllers=garbage-collector-controller,namespace-controller",
        # At the default of 20 requests a second, deleting 100 providers takes half a minute.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--leader-elect=false",
        "--secure-port=0",
    ]
