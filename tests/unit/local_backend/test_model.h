#pragma once
// Small random models for tests, written as files and computed a second time: by a forward pass in double precision,
// without cache or batches, straight from the formulas. It shares no code with the runtime.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tollgate::local_backend::test {

struct Shape {
  int layers = 2;
  int hidden = 48;
  int heads = 6;
  int kv_heads = 2;
  int head_dim = 10;  // heads * head_dim != hidden on purpose
  int feed_forward = 70;
  int vocabulary = 600;
  int context = 256;
  bool tied = true;
  bool llama3_scaling = false;
  double epsilon = 1e-5;
  double theta = 500;  // small, so that positions matter in short texts
};

// Ways in which an implementation may be wrong; the tests show that the reference tells them apart.
enum class Mutant { none, interleaved_rope, no_rope_scaling, epsilon_times_ten, wrong_kv_head, no_causal_mask };

class TestModel {
 public:
  explicit TestModel(const Shape& shape, std::uint64_t seed = 1);
  ~TestModel();  // removes the directory
  TestModel(const TestModel&) = delete;
  TestModel& operator=(const TestModel&) = delete;

  const Shape& shape() const { return shape_; }
  const std::string& directory() const { return directory_; }

  // Overwrites a weight, then write() again.
  std::vector<std::uint16_t>& weight(const std::string& name) { return weights_[name].bits; }
  void write() const;
  void write_file(const std::string& name, const std::string& text) const;

  // Logits after each of the tokens.
  std::vector<std::vector<double>> logits(const std::vector<int>& tokens, Mutant mutant = Mutant::none) const;
  // The token of highest logit that the tokenizer has, again and again.
  std::vector<int> greedy(std::vector<int> tokens, int count, int known_tokens) const;

 private:
  struct Tensor {
    std::vector<std::uint64_t> shape;
    std::vector<std::uint16_t> bits;
  };
  double at(const std::string& name, std::size_t index) const;
  std::vector<double> multiply(const std::string& name, const std::vector<double>& x) const;
  std::vector<double> normalise(const std::string& name, const std::vector<double>& x, Mutant mutant) const;
  void rotate(std::vector<double>& heads, int position, Mutant mutant) const;
  std::vector<double> attend(const std::vector<std::vector<double>>& q, const std::vector<std::vector<double>>& k,
                             const std::vector<std::vector<double>>& v, int position, Mutant mutant) const;

  Shape shape_;
  std::string directory_;
  std::map<std::string, Tensor> weights_;
};

// The end token's id in the fixture tokenizer, and the file itself.
inline constexpr int kEndToken = 3;
std::string fixture(const std::string& name);

double relative_error(const std::vector<double>& wanted, const float* got);

}  // namespace tollgate::local_backend::test
