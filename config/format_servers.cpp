// Providers: what only some kinds have, and how servers of one API differ.
#include <algorithm>

#include "config/format.h"
#include "providers/kinds.h"

namespace tollgate::config {
namespace {

using namespace providers;  // the kinds' and the quirks' own names

constexpr std::pair<std::string_view, Api> kApis[] = {{"chat", Api::chat},
                                                      {"responses", Api::responses},
                                                      {"messages", Api::messages},
                                                      {"embeddings", Api::embeddings},
                                                      {"completions", Api::completions},
                                                      {"moderations", Api::moderations},
                                                      {"rerank", Api::rerank},
                                                      {"images", Api::images},
                                                      {"speech", Api::speech},
                                                      {"transcriptions", Api::transcriptions},
                                                      {"translations", Api::translations},
                                                      {"image_edits", Api::image_edits},
                                                      {"image_variations", Api::image_variations},
                                                      {"batches", Api::batches}};
constexpr std::pair<std::string_view, bool> kCapNames[] = {{"max_tokens", false}, {"max_completion_tokens", true}};
using History = ChatQuirks::ReasoningHistory;
constexpr std::pair<std::string_view, History> kHistories[] = {
    {"never", History::never}, {"tool_loop", History::tool_loop}, {"always", History::always}};
constexpr std::pair<std::string_view, bool> kReasoningNames[] = {{"reasoning_content", false}, {"reasoning", true}};
constexpr std::pair<std::string_view, bool> kRequiredWords[] = {{"required", false}, {"any", true}};
constexpr std::pair<std::string_view, bool> kSeedNames[] = {{"seed", false}, {"random_seed", true}};
constexpr std::pair<std::string_view, bool> kArguments[] = {{"text", false}, {"object", true}};
constexpr std::pair<std::string_view, bool> kToolIds[] = {{"any", false}, {"nine_characters", true}};

using Body = SageMakerOptions::Body;
constexpr std::pair<std::string_view, Body> kBodies[] = {{"chat", Body::chat}, {"tgi", Body::tgi}};
using Prompt = GenerateOptions::Prompt;
constexpr std::pair<std::string_view, Prompt> kPrompts[] = {
    {"none", Prompt::none}, {"labelled", Prompt::labelled}, {"chatml", Prompt::chatml}};
using Parameters = GenerateOptions::Parameters;
constexpr std::pair<std::string_view, Parameters> kParameters[] = {
    {"kserve", Parameters::kserve}, {"triton", Parameters::triton}, {"tensors", Parameters::tensors}};
constexpr std::pair<std::string_view, bool> kStreamTexts[] = {{"pieces", false}, {"whole", true}};

bool speaks_apis(const ProviderKind& kind) { return kind.openai; }
bool has_chat(const ProviderKind& kind) { return kind.openai || kind.name == "sagemaker"; }
bool generates(const ProviderKind& kind) { return kind.name == "open_inference" || kind.name == "sagemaker"; }

// An option that is a header of every call.
void header_field(Object& o, std::string_view name, std::string_view header, std::string_view doc,
                  std::vector<net::Header>& out) {
  std::string value;
  o.text(name, value, kIdentifier, {.doc = doc});
  if (!value.empty()) out.push_back({std::string(header), value});
}

void quirk_fields(Object& o, ChatQuirks& out) {
  o.boolean("stream_options", out.stream_options,
            {.doc = "false: the server refuses them; usage of streams is then estimated unless it tells it anyway"});
  o.boolean("top_k", out.top_k, {.doc = "top_k is taken"});
  o.choice("tool_choice_word", out.any_for_required, kRequiredWords, {.doc = "How a tool is demanded"});
  o.choice("seed_name", out.random_seed, kSeedNames, {.doc = "How the seed is called"});
  o.choice("tool_arguments", out.argument_objects, kArguments, {.doc = "What calls in the history hold"});
  o.choice("tool_ids", out.short_tool_ids, kToolIds, {.doc = "Which ids of calls are taken"});
  o.choice("reasoning_history", out.reasoning_history, kHistories,
           {.doc = "When what an earlier answer reasoned goes back; tool_loop: until the user says something new"});
  o.choice("reasoning_name", out.short_reasoning_name, kReasoningNames, {.doc = "The member that holds it"});
  o.boolean("call_signatures", out.call_signatures,
            {.doc = "Calls in the history keep the signature Google gave them"});
}

void flavour_fields(Object& o, ProviderDraft& out) {
  ProviderOptions& options = out.options;
  std::vector<std::string_view> names;
  for (const Flavour& flavour : flavours()) names.push_back(flavour.name);
  std::size_t at = names.size();
  o.word("flavour", at, names, {.doc = "For OpenAI's kinds: a server whose quirks are known"});
  for_kinds(o, "flavour", options.kind, has_chat);
  if (at < names.size()) {
    const Flavour& flavour = flavours()[at];
    options.quirks = flavour.quirks;
    options.apis = flavour.apis;
    out.default_apis = false;
    out.max_completion_tokens = flavour.max_completion_tokens;
  }
  o.object("quirks",
           {.doc = "For OpenAI's kinds: what the server wants otherwise; default: the flavour's, or OpenAI's"},
           [&](Object& q) { quirk_fields(q, options.quirks); });
  for_kinds(o, "quirks", options.kind, has_chat);
}

void api_fields(Object& o, ProviderDraft& out) {
  ProviderOptions& options = out.options;
  std::vector<Api> apis;
  o.choices("apis", apis, kApis,
            {.doc = "For OpenAI's kinds: what the server speaks itself, the rest is translated; default: chat and "
                    "embeddings, all that OpenAI has for OpenAI, and for a pool all that it takes"});
  for_kinds(o, "apis", options.kind, speaks_apis);
  if (is_pool(options.kind) && out.default_apis)
    options.apis = {Api::chat, Api::completions, Api::embeddings, Api::responses, Api::messages};
  if (!apis.empty()) {
    options.apis = std::move(apis);
    out.default_apis = false;
  }
  bool newer = false;
  o.choice("max_tokens_name", newer, kCapNames,
           {.doc = "For OpenAI's kinds: how the cap is called; default: max_completion_tokens for OpenAI and Azure "
                   "OpenAI"});
  for_kinds(o, "max_tokens_name", options.kind, has_chat);
  if (!o.has("max_tokens_name")) return;
  out.max_completion_tokens = newer;
  options.quirks.old_cap_only = !newer;
}

constexpr std::string_view kExtraParameters[] = {"error", "drop", "pass-through"};

void azure_fields(Object& o, ProviderOptions& out) {
  o.text(
      "api_version", out.api_version, kIdentifier,
      {.doc = "For kind azure_openai: the model is a deployment in the path; absent: the v1 routes. For kind azure_ai: "
              "default 2024-05-01-preview; serverless endpoints have none"});
  for_kinds(o, "api_version", out.kind,
            [](const ProviderKind& kind) { return kind.name == "azure_openai" || kind.name == "azure_ai"; });
  o.object("azure_ai", {.doc = "For kind azure_ai"}, [&](Object& a) {
    std::size_t at = std::size(kExtraParameters);
    a.word("extra_parameters", at, kExtraParameters,
           {.doc = "What becomes of members that are not in its schema; default: its own, error"});
    if (at < std::size(kExtraParameters))
      out.headers.push_back({"extra-parameters", std::string(kExtraParameters[at])});
  });
  for_kinds(o, "azure_ai", out.kind, [](const ProviderKind& kind) { return kind.name == "azure_ai"; });
  o.object("azure_ml", {.doc = "For kind azure_ml"}, [&](Object& a) {
    header_field(a, "deployment", "azureml-model-deployment", "Default: the endpoint's traffic split decides",
                 out.headers);
  });
  for_kinds(o, "azure_ml", out.kind, [](const ProviderKind& kind) { return kind.name == "azure_ml"; });
}

void sagemaker_fields(Object& o, ProviderOptions& out) {
  o.object("sagemaker", {.doc = "For kind sagemaker: the container behind the endpoint"}, [&](Object& s) {
    s.choice("body", out.sagemaker.body, kBodies,
             {.doc = "What it speaks: OpenAI's chat API, or TGI's inputs and parameters"});
    s.text("model", out.sagemaker.model, kModelName, {.doc = "What it calls its model; absent: the body names none"});
    header_field(s, "inference_component", "x-amzn-sagemaker-inference-component", "Of an endpoint that holds several",
                 out.headers);
    header_field(s, "target_variant", "x-amzn-sagemaker-target-variant", "Default: the endpoint's weights decide",
                 out.headers);
  });
  for_kinds(o, "sagemaker", out.kind, [](const ProviderKind& kind) { return kind.name == "sagemaker"; });
}

void generate_fields(Object& o, ProviderOptions& out) {
  o.object("generate", {.doc = "For kind open_inference, and sagemaker with TGI's body"}, [&](Object& g) {
    g.choice("prompt", out.generate.prompt, kPrompts,
             {.doc = "How a conversation becomes one text; none: one user message is the text"});
    g.choice("parameters", out.generate.parameters, kParameters,
             {.doc = "As KServe takes them, as Triton's backends do, or as tensors beside the text (TensorRT-LLM)"});
    g.text("version", out.generate.version, kIdentifier, {.doc = "Of the model; default: the server chooses"});
    g.choice("stream_text", out.generate.cumulative, kStreamTexts,
             {.doc = "whole: each event of a stream holds all the text so far"});
  });
  for_kinds(o, "generate", out.kind, generates);
}

}  // namespace

void for_kinds(Object& o, std::string_view name, const std::string& kind, bool (*has)(const ProviderKind&),
               std::span<const ProviderKind> kinds) {
  const auto row = std::ranges::find(kinds, kind, &ProviderKind::name);
  if (!o.has(name) || row == kinds.end() || has(*row)) return;
  std::string all;
  for (const ProviderKind& one : kinds)
    if (has(one)) all += (all.empty() ? "" : ", ") + std::string(one.name);
  if (all.empty()) return o.problem(name, "no kind takes it here");
  o.problem(name, (all.find(',') == std::string::npos ? "is for kind " : "is for kinds ") + all);
}

void server_fields(Object& o, ProviderDraft& out) {
  azure_fields(o, out.options);
  sagemaker_fields(o, out.options);
  generate_fields(o, out.options);
  flavour_fields(o, out);
  api_fields(o, out);
}

}  // namespace tollgate::config
