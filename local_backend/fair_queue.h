#pragma once
// What waits, and who is next: departments take turns, first come first served inside one. Pure logic; not thread-safe.
#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tollgate::local_backend {

template <class T>
class FairQueue {
 public:
  explicit FairQueue(std::size_t limit) : limit_(limit) {}

  std::size_t size() const { return size_; }

  // False when the queue is full (the item is left alone). A department that begins to wait goes to the end of the
  // turn.
  bool push(const std::string& department, T item) {
    if (size_ >= limit_) return false;
    ++size_;
    for (Line& line : turn_) {
      if (line.department == department) {
        line.items.push_back(std::move(item));
        return true;
      }
    }
    turn_.push_back({department, {}});
    turn_.back().items.push_back(std::move(item));
    return true;
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

  // Removes and returns what `predicate` says, in no particular order.
  template <class Predicate>
  std::vector<T> take_if(Predicate predicate) {
    std::vector<T> out;
    for (Line& line : turn_) {
      std::deque<T> kept;
      for (T& item : line.items) {
        if (predicate(item)) {
          out.push_back(std::move(item));
        } else {
          kept.push_back(std::move(item));
        }
      }
      line.items = std::move(kept);
    }
    turn_.remove_if([](const Line& line) { return line.items.empty(); });
    size_ -= out.size();
    return out;
  }

 private:
  struct Line {
    std::string department;
    std::deque<T> items;
  };
  std::size_t limit_;
  std::size_t size_ = 0;
  std::list<Line> turn_;
};

}  // namespace tollgate::local_backend
