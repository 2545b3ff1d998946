#include "gateway/observe/line_writer.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "gateway/base/thread_name.h"

namespace tollgate::observe {

LineWriter::LineWriter(Sink sink) : sink_(std::move(sink)), thread_([this] { run(); }) {}

LineWriter::~LineWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LineWriter::put(std::string_view line, Haste haste) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() + line.size() >= kMostPending) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    pending_.append(line).push_back('\n');
    wake = std::exchange(idle_, false);
    if (haste == Haste::now && !now_) wake = now_ = true;
  }
  written_.fetch_add(1, std::memory_order_relaxed);
  if (wake) wake_.notify_one();
}

void LineWriter::run() {
  name_this_thread("tollgate-log");
  std::string lines;
  std::unique_lock lock(mutex_);
  for (;;) {
    idle_ = pending_.empty();
    wake_.wait(lock, [this] { return !idle_ || stopping_; });
    wake_.wait_for(lock, kGather, [this] { return now_ || stopping_; });
    now_ = false;
    if (pending_.empty() && stopping_) return;
    lines.clear();
    lines.swap(pending_);
    lock.unlock();
    lines.pop_back();
    if (!sink_(lines)) dropped_.fetch_add(1 + std::count(lines.begin(), lines.end(), '\n'), std::memory_order_relaxed);
    lock.lock();
  }
}

std::string_view LogTime::at(std::chrono::system_clock::time_point now) {
  using std::chrono::milliseconds;
  const auto since_epoch = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count();
  if (const auto second = since_epoch / 1000; second != second_) {
    second_ = second;
    const auto seconds = static_cast<std::time_t>(second);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    (void)std::strftime(text_.data(), text_.size(), "%Y-%m-%dT%H:%M:%S.000Z", &utc);
  }
  auto rest = static_cast<unsigned>(since_epoch % 1000);
  for (std::size_t i = 0; i < 3; ++i, rest /= 10) text_[22 - i] = static_cast<char>('0' + rest % 10);
  return {text_.data(), text_.size() - 1};
}

}  // namespace tollgate::observe
