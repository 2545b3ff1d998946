#pragma once
// APIs that are passed on to the providers that have them and are translated for nobody: moderations, images, speech
// (OpenAI API reference) and rerank (the form that Cohere, Jina and vLLM share). What people wrote is scrubbed on the
// way there and restored on the way back; everything else stays byte for byte. Internal to providers/.
#include <memory>
#include <string>

#include "providers/front_end.h"
#include "providers/json_reader.h"

namespace tollgate::providers {

Result<Call> decode_moderations_request(std::shared_ptr<const std::string> body, std::string path_model);
Result<Call> decode_rerank_request(std::shared_ptr<const std::string> body, std::string path_model);
Result<Call> decode_images_request(std::shared_ptr<const std::string> body, std::string path_model);
Result<Call> decode_speech_request(std::shared_ptr<const std::string> body, std::string path_model);

// JSON whose members "text" and "revised_prompt" may repeat what was asked. Usage that is not told is none: these APIs
// are not billed by tokens, or say so.
Result<Batch> decode_relayed_json(std::string body);
// A transcript: JSON as above, or a plain text (response_format text, srt, vtt).
Result<Batch> decode_transcript(std::string body);
// One event of a streamed transcript.
Result<Batch> decode_transcript_event(std::string frame, std::string_view data, std::size_t data_offset);
// An object of what a provider keeps, or a list of them.
Result<Batch> decode_kept_body(std::string body);
// Bytes that mean nothing to a policy, such as sound.
Result<Batch> decode_relayed_bytes(std::string body);

std::unique_ptr<ClientEncoder> relay_encoder(EncoderOptions options);
std::unique_ptr<ClientEncoder> transcript_encoder(EncoderOptions options);

// --- what the two share ---

// The provider's bytes with the texts that were changed. While anything is being restored (`changed` is not empty), log
// probabilities are left out: their tokens would show in pieces what was hidden. A form's texts, which decide that, may
// have come after its answer was prepared for.
void write_relayed(const Batch& batch, const std::vector<bool>& changed, std::string& out);
// Consumes one value: seconds, with a fraction or without; 0 for anything else.
std::int64_t read_milliseconds(JsonReader& reader);
// Consumes an object. What is not told is none: these APIs are not billed by tokens, or say so.
Usage read_relayed_usage(JsonReader& reader);

}  // namespace tollgate::providers
