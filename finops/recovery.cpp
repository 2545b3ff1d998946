#include "finops/recovery.h"

#include "finops/usage_bytes.h"

namespace tollgate::finops {
namespace {

constexpr std::size_t kGroupRecords = 4096;

void report_damage(const std::filesystem::path& aside, LedgerStats& stats, Log& log) {
  ++stats.damaged;
  log.write(LogLevel::error, "ledger_ring_damaged", "a ring left behind holds bytes that cannot be read; it is kept",
            {{"file", std::string_view(aside.native())}});
}

// The intents keep their dead owner's name, so that they are estimated even if this start ends before it gets there.
Status drain(Ring& ring, UsageStore& store, LedgerStats& stats, Log& log) {
  RingReader reader(ring);
  Group group;
  for (bool readable = true; readable;) {
    group.clear();
    readable = gather(reader, group, kGroupRecords, log);
    if (group.records() > 0) {
      TG_TRY(const auto rows, store.commit(group, ring.header().owner));
      stats.rows_committed += rows;
      ++stats.commits;
      stats.adopted += static_cast<std::int64_t>(group.records());
      reader.release();
    }
    if (!readable) report_damage(set_aside(ring.path()), stats, log);
    if (group.records() == 0) break;
  }
  return {};
}

// Records are kept as they are: most intents never leave the group, and rows are bound from the bytes.
Status add(std::string_view bytes, Group& group) {
  TG_TRY(const auto id, decode_id(bytes));
  if (id.kind == RecordKind::intent) {
    group.add_intent(id.event_id, bytes);
    return {};
  }
  if (!well_formed(bytes)) return Error{ErrorKind::internal, "usage record: malformed"};
  group.add_final(id.event_id, bytes);
  return {};
}

}  // namespace

bool gather(RingReader& reader, Group& group, std::size_t limit, Log& log) {
  std::string_view bytes;
  while (group.records() < limit) {
    const auto next = reader.next(bytes);
    if (next == RingReader::Next::empty) return true;
    if (next == RingReader::Next::damaged) return false;
    if (const auto added = add(bytes, group); !added) {
      log.write(LogLevel::error, "ledger_record_unreadable", added.error().message, {});
      return false;
    }
  }
  return true;
}

Status recover(const RingDirectory& directory, UsageStore& store, LedgerStats& stats, Log& log) {
  TG_TRY(auto left, directory.adopt());
  for (const auto& path : left.damaged) report_damage(path, stats, log);
  for (const auto& [path, why] : left.unreadable)
    log.write(LogLevel::error, "ledger_ring_unreadable",
              "the records of a ring left behind are missing until a start can read it; it is kept",
              {{"file", std::string_view(path.native())}, {"why", std::string_view(why)}});
  for (const auto& ring : left.rings) TG_CHECK(drain(*ring, store, stats, log));
  TG_TRY(const auto estimated, store.estimate_abandoned(left.living));
  stats.estimated_on_recovery += estimated;
  stats.rows_committed += estimated;
  for (const auto& ring : left.rings) ring->unlink();
  if (!left.rings.empty())
    log.write(LogLevel::warning, "ledger_recovered", "records of a process that did not end cleanly were committed",
              {{"rings", static_cast<std::int64_t>(left.rings.size())},
               {"records", stats.adopted},
               {"estimated_rows", estimated}});
  return {};
}

}  // namespace tollgate::finops
