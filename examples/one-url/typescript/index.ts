import * as pulumi from "@pulumi/pulumi";
import { OpenAICompatibleGateway, OpenAICompatibleLLM } from "@pulumi/openai-compatible-llm";

const path = "/llm";

const config = new pulumi.Config();
const namespace = config.require("namespace");
const gateway = config.requireObject<{ name: string; namespace: string; url: string }>("gateway");

// Who may call, which models it may ask for, and what it may use at each provider.
const clients = {
    web: {
        apiKey: config.requireSecret("webApiKey"),
        models: ["fast", "deepseek-flash"],
        rateLimits: [{ tokens: 200000, per: "hour" as const }],
    },
};

const mistral = new OpenAICompatibleLLM("mistral", {
    api: "agentgateway",
    preset: "mistral",
    models: ["mistral-medium-latest", "codestral-*"],
    modelAliases: { fast: "mistral-small-latest" },
    apiKey: config.requireSecret("mistralApiKey"),
    clients: clients,
    namespace: namespace,
    gateway: gateway,
    sharedRoutePath: path,
});
const deepseek = new OpenAICompatibleLLM("deepseek", {
    api: "agentgateway",
    preset: "deepseek",
    models: ["deepseek-flash", "deepseek-v4-pro"],
    apiKey: config.requireSecret("deepseekApiKey"),
    clients: clients,
    namespace: namespace,
    gateway: gateway,
    sharedRoutePath: path,
});
const llm = new OpenAICompatibleGateway("llm", {
    gateway: gateway,
    routePath: path,
    models: { mistral: mistral.models, deepseek: deepseek.models },
    clients: clients,
});
export const url = llm.url;
