import * as pulumi from "@pulumi/pulumi";
import { OpenAICompatibleLLM, types } from "@pulumi/openai-compatible-llm";

const config = new pulumi.Config();
const llm = new OpenAICompatibleLLM("llm", {
    api: config.require<types.enums.BackendApi>("api"),
    baseUrl: config.require("baseUrl"),
    model: config.require("model"),
    apiKey: config.requireSecret("apiKey"),
    namespace: config.require("namespace"),
    gateway: config.requireObject("gateway"),
});
export const url = llm.url;
