#pragma once
// What waits, and who is next: departments take turns, first come first served inside one. Pure logic; not thread-safe.
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <list>
#include <optional>
#include <string>
#include <utility>

namespace tollgate::local_backend {

template <class T>
class FairQueue {
 public:
  explicit FairQueue(std::size_t limit, std::size_t limit_of_one = std::numeric_limits<std::size_t>::max())
      : limit_(limit), limit_of_one_(limit_of_one) {}

  std::size_t size() const { return size_; }
  std::size_t departments() const { return turn_.size(); }

  // False when the queue, or this department's part of it, is full (the item is left alone). A department that begins
  // to wait goes to the end of the turn.
  bool push(const std::string& department, T item) {
    if (size_ >= limit_) return false;
    const auto line = std::ranges::find(turn_, department, &Line::department);
    if (line != turn_.end() && line->items.size() >= limit_of_one_) return false;
    push_again(department, std::move(item));
    return true;
  }

  // The same for what was taken once: there is always room.
  void push_again(const std::string& department, T item) {
    std::list<T> one;
    one.push_back(std::move(item));
    auto line = std::ranges::find(turn_, department, &Line::department);
    if (line == turn_.end()) line = turn_.insert(line, Line{department, {}});
    line->items.splice(line->items.end(), one);
    ++size_;
  }

  std::optional<T> pop() {
    if (turn_.empty()) return std::nullopt;
    Line& line = turn_.front();
    T item = std::move(line.items.front());
    line.items.pop_front();
    --size_;
    if (line.items.empty()) {
      turn_.pop_front();
    } else {
      turn_.splice(turn_.end(), turn_, turn_.begin());
    }
    return item;
  }

  // Removes and returns what `predicate` says, in no particular order. Needs no memory.
  template <class Predicate>
  std::list<T> take_if(Predicate predicate) {
    std::list<T> out;
    for (Line& line : turn_) {
      for (auto item = line.items.begin(); item != line.items.end();) {
        const auto next = std::next(item);
        if (predicate(*item)) out.splice(out.end(), line.items, item);
        item = next;
      }
    }
    turn_.remove_if([](const Line& line) { return line.items.empty(); });
    size_ -= out.size();
    return out;
  }

 private:
  struct Line {
    std::string department;
    std::list<T> items;
  };
  std::size_t limit_;
  std::size_t limit_of_one_;
  std::size_t size_ = 0;
  std::list<Line> turn_;
};

}  // namespace tollgate::local_backend
