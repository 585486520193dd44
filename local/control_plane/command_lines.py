"""Builds the command lines of the control plane's programs. All listen on loopback and require client certificates."""

from local.control_plane.certificates import SERVICE_IP, Certificates
from local.folders import StateFolder
from local.toolchain.binaries import Binaries


def etcd(binaries: Binaries, state: StateFolder, certificates: Certificates, port: int) -> list[str]:
    server, authority = certificates.etcd_server, certificates.etcd_authority
    # etcd insists on an address for other members, of which there are none.
    peer_address = "https://127.0.0.1:0"
    return [
        str(binaries.etcd),
        f"--data-dir={state.etcd}",
        f"--listen-client-urls=https://127.0.0.1:{port}",
        f"--advertise-client-urls=https://127.0.0.1:{port}",
        "--client-cert-auth",
        f"--trusted-ca-file={authority}",
        f"--cert-file={server.certificate}",
        f"--key-file={server.key}",
        f"--listen-peer-urls={peer_address}",
        f"--initial-advertise-peer-urls={peer_address}",
        f"--initial-cluster=default={peer_address}",
        "--peer-client-cert-auth",
        f"--peer-trusted-ca-file={authority}",
        f"--peer-cert-file={server.certificate}",
        f"--peer-key-file={server.key}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def kube_apiserver(binaries: Binaries, certificates: Certificates, port: int, etcd_port: int) -> list[str]:
    server, etcd_client = certificates.server, certificates.etcd_client
    return [
        str(binaries.kube_apiserver),
        f"--etcd-servers=https://127.0.0.1:{etcd_port}",
        f"--etcd-cafile={certificates.etcd_authority}",
        f"--etcd-certfile={etcd_client.certificate}",
        f"--etcd-keyfile={etcd_client.key}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        # Otherwise it publishes an endpoint for the service `kubernetes`, and is refused: the address is loopback.
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={server.certificate}",
        f"--tls-private-key-file={server.key}",
        f"--client-ca-file={certificates.authority}",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={certificates.service_accounts.key}",
        f"--service-account-signing-key-file={certificates.service_accounts.key}",
        f"--service-cluster-ip-range={SERVICE_IP - 1}/24",
        # That plugin requires service accounts, and no controller here creates them.
        "--disable-admission-plugins=ServiceAccount",
        "--profiling=false",
    ]


def kube_controller_manager(binaries: Binaries, kubeconfig: str) -> list[str]:
    return [
        str(binaries.kube_controller_manager),
        f"--kubeconfig={kubeconfig}",
        "--controllers=garbage-collector-controller,namespace-controller",
        "--use-service-account-credentials=true",
        # At the default of 20 requests a second, deleting 100 providers takes half a minute.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--leader-elect=false",
        "--secure-port=0",
    ]
