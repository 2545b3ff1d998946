#pragma once
// A model directory computed a second time: double precision, one sequence, no cache, straight from the families'
// formulas. It reads the files itself and shares no code with the runtime.
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tollgate::local_backend::test {

class NaiveModel {
 public:
  explicit NaiveModel(const std::string& directory);
  // Logits after each of the tokens.
  std::vector<std::vector<double>> logits(const std::vector<int>& tokens) const;

 private:
  using Vector = std::vector<double>;
  using Rows = std::vector<Vector>;  // by position

  void read_file(const std::string& path);
  bool has(const std::string& name) const { return tensors_.contains(name); }
  Vector linear(const std::string& name, const Vector& x) const;  // with its bias, where there is one
  Vector normalise(const std::string& name, const Vector& x) const;
  Vector feed_forward(const std::string& layer, const Vector& x) const;
  Rows attention(const std::string& layer, int index, const Rows& x) const;
  Rows heads(const std::string& name, const std::string& norm, const Rows& x, bool rotated) const;
  void rotate(double* head, std::size_t position) const;
  double frequency(int pair) const;
  double yarn_share(int pair) const;
  int window(int layer) const;

  nlohmann::json config_;
  nlohmann::json rope_;
  std::map<std::string, Vector> tensors_;
  bool gptj_ = false;
  int layers_ = 0;
  int width_ = 0;
  int head_count_ = 0;
  int head_size_ = 0;
  int rotated_ = 0;
  double epsilon_ = 0;
};

}  // namespace tollgate::local_backend::test
