#pragma once
// What the gateway counts. Each worker writes its own shard; a scrape sums them. Labels are bounded: departments,
// models and providers of the configuration, and fixed enumerations; a name that a caller made up is never a label.
// Departments that replicas name are labels up to a number, then "other".
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tollgate::observe {

// The stages of a call whose time is measured, in pipeline order.
enum class Phase : std::uint8_t { receive, authenticate, decode, scrub, admit, plan, upstream, respond };
inline constexpr std::size_t kPhases = 8;
std::string_view to_string(Phase phase);

// Fixed buckets; the bounds are in seconds.
class Histogram {
 public:
  static constexpr std::array kBounds = {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                         0.005,   0.01,     0.025,   0.05,   0.1,     0.25,   0.5,   1.0,
                                         2.5,     5.0,      10.0,    30.0,   60.0,    120.0};
  void observe(double seconds);
  void add(const Histogram& other);
  std::array<std::int64_t, kBounds.size() + 1> buckets{};  // not cumulative
  double sum = 0;
};

// One finished call, as counted.
struct CallFacts {
  std::string_view department;
  bool passed_on = false;    // the department is no configured one: a replica of the gateway named it
  std::string_view model;    // a configured name, or "unknown"
  std::string_view outcome;  // "ok" or an ErrorKind name
  bool stream = false;
  bool fallback = false;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t reasoning_tokens = 0;
  std::int64_t cost_nano = 0;
  std::string_view currency;
  std::array<std::chrono::nanoseconds, kPhases> phases{};
  std::chrono::nanoseconds total{0};
  std::chrono::nanoseconds ttft{-1};
  std::chrono::nanoseconds added{-1};  // time spent inside the gateway before dispatch
};

struct AttemptFacts {
  std::string_view provider;
  std::string_view model;  // the provider's name
  std::string_view outcome;
};

// Label pairs in the order of their names, as Prometheus wants them: as kept, and as given.
using Labels = std::vector<std::pair<std::string, std::string>>;
using LabelViews = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// One worker's figures. Thread-safe by a mutex that only a scrape contends for, and briefly.
class MetricsShard {
 public:
  void call(const CallFacts& facts);
  void attempt(const AttemptFacts& facts);
  void in_flight(std::int64_t change);  // calls begun (+1) and ended (-1)
  // A counter by name and labels. Only the first use of a series allocates.
  void count(std::string_view name, LabelViews labels = {}, std::int64_t by = 1);
  void gauge(std::string_view name, LabelViews labels, double value);
  // A counter that somebody else keeps: its value so far.
  void total(std::string_view name, LabelViews labels, double value);
  // Likewise.
  void histogram(std::string_view name, LabelViews labels, const Histogram& value);

 private:
  friend class Metrics;  // and its Sum
  struct CallSeries {
    std::int64_t input = 0, output = 0, cached = 0, reasoning = 0;
    std::map<std::string, std::int64_t, std::less<>> outcomes;
    std::map<std::string, std::int64_t, std::less<>> cost_by_currency;
    Histogram total, ttft;
  };
  // Lets a lookup use views, so that a known series costs no allocation.
  struct PairLess {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      const int first = std::string_view(a.first).compare(std::string_view(b.first));
      return first != 0 ? first < 0 : std::string_view(a.second) < std::string_view(b.second);
    }
  };
  struct Series {
    std::string name;
    Labels labels;
    friend auto operator<=>(const Series&, const Series&) = default;
  };
  struct SeriesView {
    std::string_view name;
    LabelViews labels;
  };
  struct SeriesHash {
    using is_transparent = void;
    std::size_t operator()(const Series& series) const;
    std::size_t operator()(const SeriesView& series) const;
  };
  struct SameSeries {
    using is_transparent = void;
    bool operator()(const Series& a, const Series& b) const { return a == b; }
    bool operator()(const SeriesView& a, const Series& b) const;
    bool operator()(const Series& a, const SeriesView& b) const { return (*this)(b, a); }
  };
  template <class Value>
  using BySeries = std::unordered_map<Series, Value, SeriesHash, SameSeries>;
  template <class Value>
  static Value& slot(BySeries<Value>& values, std::string_view name, LabelViews labels);
  struct Figures {
    std::map<std::pair<std::string, std::string>, CallSeries, PairLess> calls;  // (department, model)
    std::array<Histogram, kPhases> phases;
    Histogram added;
    std::int64_t fallbacks = 0;
    std::int64_t in_flight = 0;
    BySeries<std::int64_t> counters;
    BySeries<double> totals;
    BySeries<double> gauges;
    BySeries<Histogram> histograms;
  };
  std::string_view bounded(std::string_view department);
  CallSeries& series(std::string_view department, std::string_view model);
  mutable std::mutex mutex_;
  Figures figures_;
  std::set<std::string, std::less<>> passed_on_;  // departments that are labels
};

// All shards, and the gauges that are read when somebody asks.
class Metrics {
 public:
  // Shards live as long as the Metrics; one per worker plus one for everything else.
  MetricsShard& add_shard();
  // Called at each scrape, on the scraping thread, to set gauges on `shard`.
  void on_scrape(std::function<void(MetricsShard& shard)> reader);
  // The Prometheus text format, version 0.0.4.
  std::string scrape();

 private:
  struct Sum;
  std::mutex mutex_;
  std::vector<std::unique_ptr<MetricsShard>> shards_;
  std::vector<std::function<void(MetricsShard&)>> readers_;
  MetricsShard scrape_shard_;
};

}  // namespace tollgate::observe
