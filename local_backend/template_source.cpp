#include "local_backend/template_source.h"

#include <stdexcept>

#include "local_backend/json_document.h"

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kMaxTemplate = 1U << 20U;
constexpr std::size_t kMaxConfig = 64U << 20U;

struct BuiltIn {
  const char* name;
  const char* token;  // the special token that says that a model was taught this form
  const char* source;
};

constexpr BuiltIn kBuiltIn[] = {
    {"chatml", "<|im_start|>",
     "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
     "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"},
    {"llama3", "<|start_header_id|>",
     "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + "
     "m.content | trim + '<|eot_id|>' }}{% endfor %}"
     "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"},
    {"mistral", "[INST]",
     "{{ bos_token }}{% set ns = namespace(system='') %}{% for m in messages %}"
     "{% if m.role == 'system' %}{% set ns.system = m.content + '\\n\\n' %}"
     "{% elif m.role == 'user' %}{{ '[INST]' + ns.system + m.content + '[/INST]' }}{% set ns.system = '' %}"
     "{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}"},
};

bool read_config_entry(const Json& config, TemplateSource& out) {
  const Json* entry = config.find_set("chat_template");
  if (entry != nullptr && entry->is(Json::Kind::string)) out.standard = entry->string;
  if (entry == nullptr || !entry->is(Json::Kind::array)) return !out.standard.empty();
  for (const Json& one : entry->items) {
    const Json* name = one.find("name");
    const Json* text = one.find("template");
    if (name == nullptr || text == nullptr) continue;
    if (name->string == "default") out.standard = text->string;
    if (name->string == "tool_use") out.with_tools = text->string;
  }
  if (out.standard.empty()) out.standard = out.with_tools;
  return !out.standard.empty();
}

bool read_jinja_files(const std::string& directory, TemplateSource& out) {
  if (!file_exists(directory + "/chat_template.jinja")) return false;
  out.standard = read_file(directory + "/chat_template.jinja", kMaxTemplate);
  const std::string tools = directory + "/additional_chat_templates/tool_use.jinja";
  if (file_exists(tools)) out.with_tools = read_file(tools, kMaxTemplate);
  return true;
}

const BuiltIn* built_in(const Tokenizer& tokenizer) {
  for (const BuiltIn& candidate : kBuiltIn) {
    for (int id = 0; id < tokenizer.size(); ++id) {
      if (tokenizer.added_token(id) == candidate.token) return &candidate;
    }
  }
  return nullptr;
}

}  // namespace

TemplateSource find_template(const std::string& directory, const Tokenizer& tokenizer) {
  TemplateSource out;
  out.origin = "chat_template.jinja";
  if (read_jinja_files(directory, out)) return out;
  for (const char* file : {"chat_template.json", "tokenizer_config.json"}) {
    const std::string path = directory + "/" + file;
    out.origin = file;
    if (file_exists(path) && read_config_entry(read_json_file(path, kMaxConfig), out)) return out;
  }
  const BuiltIn* known = built_in(tokenizer);
  if (known == nullptr) {
    throw std::runtime_error(directory +
                             ": no chat template (chat_template.jinja, or chat_template in tokenizer_config.json)");
  }
  return {known->source, {}, std::string("built-in: ") + known->name};
}

}  // namespace tollgate::local_backend
