#!/usr/bin/env bash
# From nothing to a completion on kind. README.md beside this script says what each step does.
set -euo pipefail

usage="usage: kind.sh all | [cluster] [gateway] [deploy] [ask] [delete]

  cluster  create a kind cluster
  gateway  install the Gateway API's definitions and a gateway, and create a Gateway
  deploy   run \`pulumi up\` for the stack
  ask      send a request through the Gateway
  delete   delete the cluster and everything in it
  all      cluster, gateway, deploy, ask

  variable     default                      means
  API          agentgateway                 the gateway's API: agentgateway or kgateway
  CLUSTER      llm                          the kind cluster
  CONTEXT      kind-\$CLUSTER                the context in your kubeconfig: with another one,
                                            \`gateway\`, \`deploy\` and \`ask\` use that cluster
  STACK        kind                         the Pulumi stack
  STACK_FILE   Pulumi.kind.yaml beside      the stack's file, copied once
  PROVIDER     mistral                      the provider in that file to ask
  PORT         8080                         the port on this machine to ask at
  GATEWAY_URL  http://127.0.0.1:\$PORT       with another one, \`ask\` forwards no port"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
clone=$(dirname "$(dirname "$here")")
api=${API:-agentgateway}
cluster=${CLUSTER:-llm}
context=${CONTEXT:-kind-$cluster}
stack=${STACK:-kind}
port=${PORT:-8080}

gateway_api=v1.4.1
agentgateway=v1.4.1
kgateway=v2.1.3 # The last one with a Backend that agentgateway serves.

cluster() {
  if ! kind get clusters | grep --fixed-strings --line-regexp --quiet "$cluster"; then
    kind create cluster --name "$cluster" --wait 120s
  fi
}

gateway() {
  local definitions=https://github.com/kubernetes-sigs/gateway-api/releases/download/$gateway_api
  kubectl --context "$context" apply --server-side --filename "$definitions/standard-install.yaml"
  case $api in
    agentgateway)
      chart agentgateway-system "$agentgateway" oci://cr.agentgateway.dev/charts/agentgateway-crds
      chart agentgateway-system "$agentgateway" oci://cr.agentgateway.dev/charts/agentgateway
      ;;
    kgateway)
      chart kgateway-system "$kgateway" oci://cr.kgateway.dev/kgateway-dev/charts/kgateway-crds
      chart kgateway-system "$kgateway" oci://cr.kgateway.dev/kgateway-dev/charts/kgateway --set agentgateway.enabled=true
      ;;
  esac
  kubectl --context "$context" apply --filename "$here/gateway.yaml"
  kubectl --context "$context" wait --namespace gloo-system gateway/agentgateway --for condition=Programmed --timeout 180s
  kubectl --context "$context" rollout status --namespace gloo-system deployment/agentgateway --timeout 180s
}

# chart <namespace> <version> <address> [option]...: installs a chart under its own name.
chart() {
  helm upgrade --install "${3##*/}" "$3" --kube-context "$context" --namespace "$1" --create-namespace --version "$2" --wait "${@:4}"
}

deploy() {
  local file=$clone/stacks/Pulumi.$stack.yaml
  [ -e "$file" ] || cp "${STACK_FILE:-$here/Pulumi.kind.yaml}" "$file"
  cd "$clone"
  pulumi install
  pulumi stack select --create "$stack"
  pulumi config set --stack "$stack" api "$api"
  # Whatever your current context is, the stack stays with this cluster.
  pulumi config set --stack "$stack" kubernetes:context "$context"
  # With a new cluster of the same name, the stack's objects are gone.
  pulumi up --stack "$stack" --refresh --yes
}

ask() (
  url=${GATEWAY_URL:-http://127.0.0.1:$port}
  if [ -z "${GATEWAY_URL:-}" ]; then
    kubectl --context "$context" port-forward --namespace gloo-system service/agentgateway "$port:8080" >/dev/null &
    trap 'kill $!' EXIT
  fi
  curl --silent --show-error --fail-with-body --retry 10 --retry-connrefused --retry-delay 1 \
    --header 'content-type: application/json' \
    --data '{"messages": [{"role": "user", "content": "Say hello in five words."}]}' \
    "$url/${PROVIDER:-mistral}/v1/chat/completions"
  echo
)

delete() {
  kind delete cluster --name "$cluster"
}

case $api in
  agentgateway | kgateway) ;;
  *)
    echo "API is $api; give agentgateway or kgateway" >&2
    exit 2
    ;;
esac
[ $# -gt 0 ] || set -- help
for step in "$@"; do
  case $step in
    all) cluster; gateway; deploy; ask ;;
    cluster | gateway | deploy | ask | delete) "$step" ;;
    *)
      echo "$usage" >&2
      exit 2
      ;;
  esac
done
