// The only file that knows PCRE2. Without TOLLGATE_LOCAL_PCRE2 patterns other than the known ones are refused.
#include <stdexcept>

#include "local_backend/pretokenizer.h"

#ifdef TOLLGATE_LOCAL_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace tollgate::local_backend {
namespace {

constexpr std::uint32_t kMatchLimit = 1'000'000;
constexpr std::uint32_t kDepthLimit = 10'000;
constexpr std::size_t kMaxPattern = 4096;

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

class Pcre2Pretokenizer : public Pretokenizer {
 public:
  explicit Pcre2Pretokenizer(const std::string& pattern) {
    if (pattern.size() > kMaxPattern) throw std::runtime_error("the pre-tokenizer pattern is too long");
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                              &error, &offset, nullptr));
    if (!code_) throw std::runtime_error("the pre-tokenizer pattern " + pattern + " is not valid for PCRE2");
    context_.reset(pcre2_match_context_create(nullptr));
    if (!context_) throw std::bad_alloc();
    pcre2_set_match_limit(context_.get(), kMatchLimit);
    pcre2_set_depth_limit(context_.get(), kDepthLimit);
  }

  bool split(std::string_view text, const Sink& sink) const override {
    const std::unique_ptr<pcre2_match_data, FreeMatch> match(
        pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    if (!match) throw std::bad_alloc();
    std::size_t done = 0;
    std::size_t from = 0;
    std::uint32_t options = 0;  // the text is checked to be UTF-8 at the first match only
    while (from < text.size()) {
      const int rc = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, options,
                                 match.get(), context_.get());
      options = PCRE2_NO_UTF_CHECK;
      if (rc == PCRE2_ERROR_NOMATCH) break;
      if (rc < 0) return false;
      const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match.get());
      if (range[1] <= range[0]) return false;  // an empty match would never end
      if (range[0] > done) sink(text.substr(done, range[0] - done));
      sink(text.substr(range[0], range[1] - range[0]));
      from = done = range[1];
    }
    if (done < text.size()) sink(text.substr(done));
    return true;
  }

 private:
  std::unique_ptr<pcre2_code, FreeCode> code_;
  std::unique_ptr<pcre2_match_context, FreeContext> context_;
};

}  // namespace

std::unique_ptr<Pretokenizer> make_pcre2_pretokenizer(const std::string& pattern) {
  return std::make_unique<Pcre2Pretokenizer>(pattern);
}

}  // namespace tollgate::local_backend
#else
namespace tollgate::local_backend {
std::unique_ptr<Pretokenizer> make_pcre2_pretokenizer(const std::string&) { return nullptr; }
}  // namespace tollgate::local_backend
#endif
