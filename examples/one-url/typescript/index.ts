import * as pulumi from "@pulumi/pulumi";
import { OpenAICompatibleGateway, OpenAICompatibleLLM } from "@pulumi/openai-compatible-llm";

const path = "/llm";

const config = new pulumi.Config();
const namespace = config.require("namespace");
const gateway = config.requireObject<{ name: string; namespace: string; url: string }>("gateway");

const mistral = new OpenAICompatibleLLM("mistral", {
    api: "agentgateway",
    preset: "mistral",
    models: ["mistral-medium-latest", "codestral-*"],
    modelAliases: { fast: "mistral-small-latest" },
    apiKey: config.requireSecret("mistralApiKey"),
    namespace: namespace,
    gateway: gateway,
    sharedRoutePath: path,
});
const deepseek = new OpenAICompatibleLLM("deepseek", {
    api: "agentgateway",
    preset: "deepseek",
    models: ["deepseek-flash", "deepseek-v4-pro"],
    apiKey: config.requireSecret("deepseekApiKey"),
    namespace: namespace,
    gateway: gateway,
    sharedRoutePath: path,
});
const llm = new OpenAICompatibleGateway("llm", {
    gateway: gateway,
    routePath: path,
    models: { mistral: mistral.models, deepseek: deepseek.models },
});
export const url = llm.url;
