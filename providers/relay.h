#pragma once
// APIs that are passed on to the providers that have them and are translated for nobody: moderations, images, speech
// (OpenAI API reference) and rerank (the form that Cohere, Jina and vLLM share). What people wrote is scrubbed on the
// way there and restored on the way back; everything else stays byte for byte. Internal to providers/.
#include <memory>
#include <string>

#include "providers/front_end.h"

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
// An object of what a provider keeps, or a list of them.
Result<Batch> decode_kept_body(std::string body);
// Bytes that mean nothing to a policy, such as sound.
Result<Batch> decode_relayed_bytes(std::string body);

std::unique_ptr<ClientEncoder> relay_encoder(EncoderOptions options);

}  // namespace tollgate::providers
