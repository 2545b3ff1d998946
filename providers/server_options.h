#pragma once
// What has to be known about servers that are given a text to go on with, and about containers behind Amazon SageMaker.
// Plain values from the configuration.
#include <cstdint>
#include <string>

namespace tollgate::providers {

// Text generation without a chat API: the Open Inference Protocol's generate, and Text Generation Inference's.
struct GenerateOptions {
  // How a conversation becomes one text.
  enum class Prompt : std::uint8_t {
    none,      // it does not: one user's message, and nothing else, is the text
    labelled,  // "System: …", "User: …", "Assistant: …", a blank line between them
    chatml,    // <|im_start|>user … <|im_end|>
  };
  // Where the parameters stand, and how they are called.
  enum class Parameters : std::uint8_t {
    kserve,   // in `parameters`, by the protocol's names
    triton,   // in `parameters`, by the names of Triton's backends; the answer is to leave the prompt out
    tensors,  // beside the text: inputs of Triton's TensorRT-LLM ensemble
  };
  Prompt prompt = Prompt::labelled;
  Parameters parameters = Parameters::kserve;
  std::string version;      // of the model; empty: the server chooses
  bool cumulative = false;  // each event of a stream holds the whole text so far
};

// A container behind a SageMaker endpoint.
struct SageMakerOptions {
  enum class Body : std::uint8_t {
    chat,  // OpenAI's chat API
    tgi,   // Text Generation Inference's {"inputs", "parameters"}
  };
  Body body = Body::chat;
  std::string model;  // what the container calls its model; empty: the body names none
};

}  // namespace tollgate::providers
