#pragma once
// What vendors are known to send in answers and no decoder here reads, by its name: ids, states, figures, and what is
// passed on as it is (citations, pictures, signatures). Anything else that holds text is unknown (unknown.h): a policy
// decides about it. Sources: the vendors' API references and SDKs; vLLM, SGLang, TGI, llama.cpp, Groq, Perplexity,
// OpenRouter, LiteLLM for their extensions of OpenAI's chat API. Internal to providers/.
#include <string_view>

namespace tollgate::providers::known {

using Name = std::string_view;

// --- OpenAI's chat and completions APIs, and what speaks them ---

inline constexpr Name kChat[] = {"object",
                                 "system_fingerprint",
                                 "service_tier",
                                 "obfuscation",
                                 "metadata",
                                 "moderation",
                                 "provider",
                                 "prompt_filter_results",
                                 "prompt_annotations",
                                 "citations",
                                 "images",
                                 "search_results",
                                 "related_questions",
                                 "prompt_logprobs",
                                 "kv_transfer_params",
                                 "x_groq",
                                 "timings",
                                 "nvext",
                                 "request_id",
                                 "type",
                                 "stats",
                                 "model_info",
                                 "sglext",
                                 "meta_info",
                                 "usage_breakdown",
                                 "base_resp",
                                 "service_info",
                                 "ext"};
inline constexpr Name kChatChoice[] = {"native_finish_reason",
                                       "content_filter_results",
                                       "content_filter_result",
                                       "matched_stop",
                                       "stop_reason",
                                       "content_filter_offsets",
                                       "finish_details",
                                       "hidden_states",
                                       "prompt_logprobs",
                                       "error",
                                       "meta_info",
                                       "routed_experts",
                                       "prompt_filter_results",
                                       "content_filter_raw"};
inline constexpr Name kChatDelta[] = {
    "role",         "name",           "reasoning_details", "thinking_blocks", "provider_specific_fields",
    "annotations",  "citations",      "extra_content",     "images",          "search_results",
    "context",      "executed_tools", "tool_plan",         "channel",         "reasoning_signature",
    "tool_call_id", "obfuscation",    "moderation",        "phase",           "type"};
inline constexpr Name kChatPart[] = {"text",        "thinking", "reference",    "image_url",
                                     "input_audio", "refusal",  "document_url", "tool_reference"};
inline constexpr Name kChatCall[] = {"id", "type", "index", "extra_content", "provider_specific_fields"};

// --- OpenAI's Responses API: every text in it is read, whatever it is in ---

inline constexpr Name kResponsesEvents[] = {"error",
                                            "keepalive",
                                            "response.apply_patch_call_operation_diff.delta",
                                            "response.apply_patch_call_operation_diff.done",
                                            "response.audio.delta",
                                            "response.audio.done",
                                            "response.audio.transcript.delta",
                                            "response.audio.transcript.done",
                                            "response.code_interpreter_call.completed",
                                            "response.code_interpreter_call.in_progress",
                                            "response.code_interpreter_call.interpreting",
                                            "response.code_interpreter_call_code.delta",
                                            "response.code_interpreter_call_code.done",
                                            "response.compaction.compacting",
                                            "response.completed",
                                            "response.content_part.added",
                                            "response.content_part.done",
                                            "response.created",
                                            "response.custom_tool_call_input.delta",
                                            "response.custom_tool_call_input.done",
                                            "response.failed",
                                            "response.file_search_call.completed",
                                            "response.file_search_call.in_progress",
                                            "response.file_search_call.searching",
                                            "response.function_call_arguments.delta",
                                            "response.function_call_arguments.done",
                                            "response.image_generation_call.completed",
                                            "response.image_generation_call.generating",
                                            "response.image_generation_call.in_progress",
                                            "response.image_generation_call.partial_image",
                                            "response.in_progress",
                                            "response.incomplete",
                                            "response.mcp_call.completed",
                                            "response.mcp_call.failed",
                                            "response.mcp_call.in_progress",
                                            "response.mcp_call_arguments.delta",
                                            "response.mcp_call_arguments.done",
                                            "response.mcp_list_tools.completed",
                                            "response.mcp_list_tools.failed",
                                            "response.mcp_list_tools.in_progress",
                                            "response.output_item.added",
                                            "response.output_item.done",
                                            "response.output_text.annotation.added",
                                            "response.output_text.delta",
                                            "response.output_text.done",
                                            "response.queued",
                                            "response.reasoning_part.added",
                                            "response.reasoning_part.done",
                                            "response.reasoning_summary_part.added",
                                            "response.reasoning_summary_part.done",
                                            "response.reasoning_summary_text.delta",
                                            "response.reasoning_summary_text.done",
                                            "response.reasoning_text.delta",
                                            "response.reasoning_text.done",
                                            "response.refusal.delta",
                                            "response.refusal.done",
                                            "response.shell_call_command.added",
                                            "response.shell_call_command.delta",
                                            "response.shell_call_command.done",
                                            "response.shell_call_output_content.delta",
                                            "response.shell_call_output_content.done",
                                            "response.web_search_call.completed",
                                            "response.web_search_call.in_progress",
                                            "response.web_search_call.searching"};
inline constexpr Name kResponsesItems[] = {"message",
                                           "reasoning",
                                           "function_call",
                                           "function_call_output",
                                           "custom_tool_call",
                                           "custom_tool_call_output",
                                           "file_search_call",
                                           "web_search_call",
                                           "computer_call",
                                           "computer_call_output",
                                           "compaction",
                                           "image_generation_call",
                                           "local_shell_call",
                                           "local_shell_call_output",
                                           "shell_call",
                                           "shell_call_output",
                                           "apply_patch_call",
                                           "apply_patch_call_output",
                                           "mcp_call",
                                           "mcp_list_tools",
                                           "mcp_approval_request",
                                           "mcp_approval_response",
                                           "tool_search_call",
                                           "tool_search_output",
                                           "program",
                                           "program_output",
                                           "additional_tools",
                                           "code_interpreter_call"};

// --- Anthropic's Messages API ---

inline constexpr Name kMessagesEvents[] = {
    "message",       "message_start", "content_block_start", "content_block_delta",
    "message_delta", "message_stop",  "content_block_stop",  "ping",
    "error"};
inline constexpr Name kMessagesBlocks[] = {"text",
                                           "text_delta",
                                           "thinking",
                                           "thinking_delta",
                                           "redacted_thinking",
                                           "signature_delta",
                                           "citations_delta",
                                           "tool_use",
                                           "input_json_delta",
                                           "server_tool_use",
                                           "mcp_tool_use",
                                           "mcp_tool_result",
                                           "mcp_tool_listing",
                                           "web_search_tool_result",
                                           "web_fetch_tool_result",
                                           "code_execution_tool_result",
                                           "bash_code_execution_tool_result",
                                           "text_editor_code_execution_tool_result",
                                           "tool_search_tool_result",
                                           "advisor_tool_result",
                                           "container_upload",
                                           "compaction",
                                           "compaction_delta",
                                           "fallback"};
inline constexpr Name kMessage[] = {
    "role",       "container",   "stop_details",  "usage", "diagnostics", "context_management", "input_transformations",
    "request_id", "stop_reason", "stop_sequence", "type"};
inline constexpr Name kMessagesBlock[] = {
    "tool_use_id",  "caller",       "cache_control", "file_id",           "server_name", "tool_name", "mcp_server_name",
    "toolset_name", "container",    "stop_details",  "encrypted_content", "from",        "to",        "trigger",
    "tools",        "extra_content"};

// --- Google's generateContent ---

inline constexpr Name kGemini[] = {"createTime", "modelStatus", "responseId"};
inline constexpr Name kGeminiCandidate[] = {"safetyRatings",  "citationMetadata",      "groundingMetadata",
                                            "finishMessage",  "groundingAttributions", "urlContextMetadata",
                                            "logprobsResult", "continuationToken"};
inline constexpr Name kGeminiContent[] = {"role"};
inline constexpr Name kGeminiPart[] = {"thoughtSignature",    "inlineData",       "fileData",        "executableCode",
                                       "codeExecutionResult", "functionResponse", "toolCall",        "toolResponse",
                                       "videoMetadata",       "partMetadata",     "mediaResolution", "mediaProcessing",
                                       "audioTranscription",  "audioMetadata",    "speechMetadata",  "documentMetadata",
                                       "spreadsheetMetadata"};

// --- Amazon Bedrock's Converse ---

inline constexpr Name kConverseEvents[] = {"messageStart", "contentBlockStart", "contentBlockDelta",
                                           "messageStop",  "contentBlockStop",  "metadata"};
inline constexpr Name kConverse[] = {
    "p", "role", "metrics", "trace", "serviceTier", "performanceConfig", "additionalModelResponseFields"};
inline constexpr Name kConverseBlock[] = {
    "citation",   "citationsContent", "image",      "document",     "video",        "audio",
    "toolResult", "guardContent",     "cachePoint", "searchResult", "toolAddition", "toolRemoval"};
inline constexpr Name kConverseCall[] = {"type"};

// --- the Open Inference Protocol's generate, and TGI's ---

inline constexpr Name kGenerate[] = {"id", "model_version", "top_tokens"};
inline constexpr Name kGenerateDetails[] = {"token", "tokens", "prefill", "top_tokens", "logprobs"};

// --- embeddings, and what is passed on: moderations, rerank, images, transcripts ---

inline constexpr Name kEmbeddings[] = {"object", "model", "id", "usage", "service_tier", "provider"};
inline constexpr Name kEmbedding[] = {"object", "embedding", "id"};
inline constexpr Name kRelayed[] = {
    "id",          "object",        "type",       "model",   "url",      "b64_json",
    "background",  "output_format", "quality",    "size",    "task",     "language",
    "languages",   "speaker",       "segment_id", "version", "warnings", "category_applied_input_types",
    "obfuscation", "usage",         "logprobs"};
inline constexpr Name kTranscriptEvents[] = {"transcript.text.delta", "transcript.text.done",
                                             "transcript.text.segment"};

}  // namespace tollgate::providers::known
