"""Names agentgateway's own API and its kinds."""

GROUP = "agentgateway.dev"
VERSION = "v1alpha1"
BACKEND_KIND = "AgentgatewayBackend"
POLICY_KIND = "AgentgatewayPolicy"
