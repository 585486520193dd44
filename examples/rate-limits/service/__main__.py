"""Runs Envoy's rate limit service, and Redis for what it counts, in the Gateway's namespace."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

NAME = "ratelimit"
REDIS = f"{NAME}-redis"
SERVICE_IMAGE = "docker.io/envoyproxy/ratelimit:3fb70258"
REDIS_IMAGE = "docker.io/library/redis:7-alpine"
GRPC_PORT, HTTP_PORT, REDIS_PORT = 8081, 8080, 6379

# The service reads the files in <root>/<subdirectory>/config.
ROOT, SUBDIRECTORY = "/data", "ratelimit"
ENVIRONMENT = {
    "RUNTIME_ROOT": ROOT,
    "RUNTIME_SUBDIRECTORY": SUBDIRECTORY,
    # Reads the files again when one changes in the folder itself, as it does in a mounted ConfigMap.
    "RUNTIME_WATCH_ROOT": "false",
    # A mounted ConfigMap has each file once more behind `..data`.
    "RUNTIME_IGNOREDOTFILES": "true",
    # A Pod that can't read its limits is not ready.
    "HEALTHY_WITH_AT_LEAST_ONE_CONFIG_LOADED": "true",
    "REDIS_SOCKET_TYPE": "tcp",
    "REDIS_URL": f"{REDIS}:{REDIS_PORT}",
    "GRPC_PORT": str(GRPC_PORT),
    "PORT": str(HTTP_PORT),
    "DISABLE_STATS": "true",
}
SECURITY = {
    "run_as_non_root": True,
    "run_as_user": 65532,
    "allow_privilege_escalation": False,
    "read_only_root_filesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccomp_profile": {"type": "RuntimeDefault"},
}

config = pulumi.Config()
namespace = config.require("namespace")
config_maps: list[str] = config.require_object("configMaps")


def deploy(name: str, port: int, replicas: int, pod: Any, *needed: pulumi.Resource) -> k8s.core.v1.Service:
    """Creates a Deployment, and a Service that leads to its Pods."""
    metadata = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": name}}
    k8s.apps.v1.Deployment(
        name,
        metadata=metadata,
        spec={
            "replicas": replicas,
            "selector": {"match_labels": metadata["labels"]},
            "template": {
                "metadata": {"labels": metadata["labels"]},
                # Kubernetes would add variables for each Service, and their names may be those of settings.
                "spec": {"automount_service_account_token": False, "enable_service_links": False, **pod},
            },
        },
        opts=pulumi.ResourceOptions(depends_on=needed),
    )
    return k8s.core.v1.Service(
        name, metadata=metadata, spec={"selector": metadata["labels"], "ports": [{"port": port, "target_port": port}]}
    )


def admit(name: str, port: int, clients: Any) -> None:
    """Lets only these Pods of the namespace connect to those of a Deployment."""
    k8s.networking.v1.NetworkPolicy(
        name,
        metadata={"name": name, "namespace": namespace},
        spec={
            "pod_selector": {"match_labels": {"app.kubernetes.io/name": name}},
            "ingress": [{"from_": [{"pod_selector": clients}], "ports": [{"port": port}]}],
        },
    )


# The gateway's controller gives this label to the Pods of every Gateway's proxies.
admit(NAME, GRPC_PORT, {"match_expressions": [{"key": "gateway.networking.k8s.io/gateway-name", "operator": "Exists"}]})
admit(REDIS, REDIS_PORT, {"match_labels": {"app.kubernetes.io/name": NAME}})
redis = deploy(
    REDIS,
    REDIS_PORT,
    1,
    {
        "containers": [
            {
                "name": "redis",
                "image": REDIS_IMAGE,
                # Keeps the counters in memory alone.
                "command": ["redis-server", "--save", "", "--appendonly", "no"],
                "ports": [{"container_port": REDIS_PORT}],
                "readiness_probe": {"tcp_socket": {"port": REDIS_PORT}},
                "liveness_probe": {"tcp_socket": {"port": REDIS_PORT}},
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
                "security_context": SECURITY,
            }
        ]
    },
)
deploy(
    NAME,
    GRPC_PORT,
    2,
    {
        "containers": [
            {
                "name": "ratelimit",
                "image": SERVICE_IMAGE,
                "command": ["/bin/ratelimit"],
                "env": [{"name": name, "value": value} for name, value in ENVIRONMENT.items()],
                "ports": [{"container_port": GRPC_PORT}, {"container_port": HTTP_PORT}],
                "readiness_probe": {"http_get": {"path": "/healthcheck", "port": HTTP_PORT}},
                "liveness_probe": {"tcp_socket": {"port": GRPC_PORT}},
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                "security_context": SECURITY,
                "volume_mounts": [{"name": "limits", "mount_path": f"{ROOT}/{SUBDIRECTORY}/config", "read_only": True}],
            }
        ],
        # The whole folder is mounted, because a file mounted alone (`sub_path`) never changes.
        "volumes": [
            {
                "name": "limits",
                "projected": {
                    "sources": [
                        {"config_map": {"name": each, "items": [{"key": "limits.yaml", "path": f"{each}.yaml"}]}}
                        for each in config_maps
                    ]
                },
            }
        ],
    },
    redis,
)
pulumi.export("host", f"{NAME}.{namespace}.svc.cluster.local")
