#!/usr/bin/env bash
# From nothing to a completion on kind. README.md beside this script says what each step does.
set -euo pipefail

usage="usage: kind.sh all | [cluster] [gateway] [provider] [deploy] [ask] [delete]

  cluster   create a kind cluster
  gateway   install the Gateway API's definitions and a gateway, and create a Gateway
  provider  create the demo provider, which answers without a key
  deploy    run \`pulumi up\` for the stack
  ask       send a request through the Gateway
  delete    delete the cluster and everything in it
  all       cluster, gateway, provider, deploy, ask

  variable     default                      means
  API          agentgateway                 the gateway's API: agentgateway or kgateway
  CLUSTER      llm                          the kind cluster
  CONTEXT      kind-\$CLUSTER                the context in your kubeconfig: with another one,
                                            all steps but \`cluster\` and \`delete\` use that cluster
  EXPOSURE     public, but only on kind     who can reach the Gateway: internal (a Service of type
                                            ClusterIP) or public (LoadBalancer)
  REPLACE_DEFINITIONS                       yes: replace older definitions of the Gateway API
                                            in a cluster that isn't kind
  STACK        kind                         the Pulumi stack
  STACK_FILE   Pulumi.kind.yaml beside      the stack's file, copied once (Pulumi.kgateway.yaml
                                            with API=kgateway)
  PROVIDER     demo                         the provider in that file to ask
  PORT         8080                         the port on this machine to ask at
  GATEWAY_URL  http://localhost:\$PORT       with another one, \`ask\` forwards no port"

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
  if ! has_cluster "$cluster"; then
    kind create cluster --name "$cluster" --wait 120s
  fi
}

gateway() {
  choose_exposure
  install_definitions
  refuse_other_class
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
  create_gateway
  kubectl --context "$context" wait --namespace gloo-system gateway/agentgateway --for condition=Programmed --timeout 180s
  kubectl --context "$context" rollout status --namespace gloo-system deployment/agentgateway --timeout 180s
  print_config
}

# has_cluster <name>: tells whether kind has this cluster.
has_cluster() {
  kind get clusters | grep --fixed-strings --line-regexp -- "$1" >/dev/null
}

# Any cluster's context can have a name like those of kind.
is_kind() {
  [[ $context == kind-* ]] && has_cluster "${context#kind-}" 2>/dev/null
}

# refuse <line>...: says why, and ends the script.
refuse() {
  printf '%s\n' "$@" >&2
  exit 2
}

# Sets `exposure`. Only on kind is it safe not to ask: there, a Service of type LoadBalancer gets no address.
choose_exposure() {
  exposure=${EXPOSURE:-}
  if [ -z "$exposure" ] && is_kind; then exposure=public; fi
  case $exposure in
    internal | public) ;;
    "")
      refuse "$context is not a kind cluster. Say who may reach the Gateway:" \
        "  EXPOSURE=internal  the cluster, and you with \`kubectl port-forward\` (a Service of type ClusterIP)" \
        "  EXPOSURE=public    on a cloud, usually the internet, in plain text (a Service of type LoadBalancer)" \
        "Whoever reaches the Gateway uses your providers with your keys, unless your stacks have clients." \
        "See docs/gateway.md: Who can reach a Gateway."
      ;;
    *) refuse "EXPOSURE is $exposure; give internal or public" ;;
  esac
}

# Both gateways' controllers create a GatewayClass of this name, and serve only their own.
refuse_other_class() {
  local controller
  controller=$(kubectl --context "$context" get gatewayclass agentgateway --ignore-not-found \
    --output jsonpath='{.spec.controllerName}')
  if [ -n "$controller" ] && [ "$controller" != "$api.dev/agentgateway" ]; then
    refuse "The GatewayClass agentgateway of $context is of the controller $controller, not of $api." \
      "Give API=${controller%%.*} to use that gateway. To run both, see docs/gateway-apis.md: Move from one API to the other."
  fi
}

# Other gateways of the cluster may need the definitions that are there.
install_definitions() {
  local gateways=gateways.gateway.networking.k8s.io name version channel
  local prefix='.metadata.annotations.gateway\.networking\.k8s\.io'
  local found
  found=$(kubectl --context "$context" get customresourcedefinition "$gateways" --ignore-not-found \
    --output jsonpath="{.metadata.name}/{$prefix/bundle-version}/{$prefix/channel}")
  IFS=/ read -r name version channel <<<"$found" || true
  local there="$context has the Gateway API ${version:-of an unknown version}${channel:+ ($channel)}"
  if [ -n "$name" ] && { [ "$channel" = experimental ] || is_at_least "$gateway_api" "$version"; }; then
    echo "$there. Its definitions stay as they are."
    if ! is_at_least v1.4.0 "$version"; then echo "The components need v1.4 or newer."; fi
    return
  fi
  if [ -n "$name" ] && ! is_kind && [ "${REPLACE_DEFINITIONS:-no}" != yes ]; then
    refuse "$there. This step would replace its definitions by those of $gateway_api, for all gateways of the cluster." \
      "If these gateways work with $gateway_api, give REPLACE_DEFINITIONS=yes."
  fi
  kubectl --context "$context" apply --server-side \
    --filename "https://github.com/kubernetes-sigs/gateway-api/releases/download/$gateway_api/standard-install.yaml"
}

# is_at_least <lowest> <version>
is_at_least() {
  [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

create_gateway() {
  local file=$here/gateway.yaml there
  if [ "$exposure" = internal ]; then file=$here/internal-$api.yaml; fi
  if ! is_kind; then
    there=$(kubectl --context "$context" get gateway agentgateway --namespace gloo-system --ignore-not-found --output name)
    if [ -n "$there" ]; then
      echo "The Gateway gloo-system/agentgateway is there already. It stays as it is, whatever EXPOSURE says."
      return
    fi
  fi
  kubectl --context "$context" apply --filename "$file"
}

# Prints the lines of a stack's file that fit this gateway.
print_config() {
  local url=http://localhost:$port address="" quote="'"
  if [ "$exposure" = public ] && ! is_kind; then
    address=$(kubectl --context "$context" get gateway agentgateway --namespace gloo-system \
      --output jsonpath='{.status.addresses[0].value}')
  fi
  if [ -n "$address" ]; then url=http://$address:8080; fi
  cat <<LINES

These lines of a stack's file fit this gateway:

config:
  kubernetes:context: '${context//$quote/$quote$quote}'
  openai-compatible-llm:api: $api
  openai-compatible-llm:gateway: {name: agentgateway, namespace: gloo-system, url: "$url"}
LINES
  if [ -z "$address" ]; then
    echo
    echo "$url is the Gateway as long as this command runs in another terminal:"
    echo
    echo "kubectl --context $(printf %q "$context") port-forward --namespace gloo-system service/agentgateway $port:8080"
  fi
}

# chart <namespace> <version> <address> [option]...: installs a chart under its own name.
chart() {
  helm upgrade --install "${3##*/}" "$3" --kube-context "$context" --namespace "$1" --create-namespace --version "$2" --wait "${@:4}"
}

provider() {
  kubectl --context "$context" apply --kustomize "$here"
  kubectl --context "$context" rollout status --namespace llm-demo deployment/demo-provider --timeout 180s
}

deploy() {
  local file=$clone/stacks/Pulumi.$stack.yaml shipped=$here/Pulumi.kind.yaml
  if [ "$api" = kgateway ]; then shipped=$here/Pulumi.kgateway.yaml; fi
  [ -e "$file" ] || cp "${STACK_FILE:-$shipped}" "$file"
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
  url=${GATEWAY_URL:-http://localhost:$port}
  if [ -z "${GATEWAY_URL:-}" ]; then
    kubectl --context "$context" port-forward --namespace gloo-system service/agentgateway "$port:8080" >/dev/null &
    trap 'kill $!' EXIT
  fi
  curl --silent --show-error --fail-with-body --retry 10 --retry-connrefused --retry-delay 1 \
    --header 'content-type: application/json' \
    --data '{"messages": [{"role": "user", "content": "Say hello in five words."}]}' \
    "$url/${PROVIDER:-demo}/v1/chat/completions"
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
    all | cluster | gateway | provider | deploy | ask | delete) ;;
    *)
      echo "$usage" >&2
      exit 2
      ;;
  esac
done
for step in "$@"; do
  case $step in
    all) cluster; gateway; provider; deploy; ask ;;
    *) "$step" ;;
  esac
done
