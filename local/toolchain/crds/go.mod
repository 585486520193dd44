// Modules of which only the CustomResourceDefinitions are read; nothing of them is built.
module openai-compatible-llm/local/toolchain/crds

go 1.25.0

require (
	github.com/agentgateway/agentgateway v1.4.1
	sigs.k8s.io/gateway-api v1.4.1
)
