#pragma once
// The ledger's SQLite file: `usage` (one row per final record, never updated), `intents` (blocks of calls
// under way), `meta`.
// Private.
#include <filesystem>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "finops/open_intents.h"
#include "finops/sqlite.h"
#include "finops/usage_record.h"

namespace tollgate::finops {

// What one transaction will hold. An intent whose final record comes in the same group leaves no trace.
class Group {
 public:
  // `bytes` is the encoded record; it must stay where it is until clear() (bytes in a ring do until they are released).
  void add_intent(const Uuid& event_id, std::string_view bytes);
  void add_final(const Uuid& event_id, std::string_view bytes);  // REQUIRES: well_formed(bytes)
  void clear();
  std::size_t records() const { return records_; }  // added, before pairing

  const std::vector<EncodedFinal>& finals() const { return finals_; }
  const std::unordered_map<Uuid, std::string_view, UuidHash>& intents() const { return intents_; }

 private:
  std::vector<EncodedFinal> finals_;
  std::unordered_map<Uuid, std::string_view, UuidHash> intents_;
  std::size_t records_ = 0;
};

// The writer's side. Used by one thread at a time.
class UsageStore {
 public:
  static Result<UsageStore> open(const std::filesystem::path& path);

  // All or nothing and durable on success. Returns the rows that were new: what is already there is left as it is.
  Result<std::int64_t> commit(const Group& group, const Uuid& owner);
  // Turns every intent of an owner not in `living` into an `estimated` row. Returns the rows made.
  Result<std::int64_t> estimate_abandoned(const std::set<Uuid>& living);
  // The last failure was about space or a lock; otherwise the store is better opened again.
  bool sound() const { return sound_; }
  void set_busy_timeout(std::chrono::milliseconds timeout) { database_.set_busy_timeout(timeout); }

 private:
  UsageStore(Database database, Statement row, Statement block, Statement done)
      : database_(std::move(database)),
        insert_row_(std::move(row)),
        insert_block_(std::move(block)),
        delete_block_(std::move(done)) {}
  template <class Work>
  Result<std::int64_t> transaction(Work work);
  Result<std::int64_t> write(const Group& group, const Uuid& owner, std::int64_t& block);
  Status write_block(const Group& group, const Uuid& owner, std::int64_t& block);
  Result<bool> insert(std::string_view record);
  Result<std::int64_t> write_estimates(const std::set<Uuid>& living);

  Database database_;
  Statement insert_row_;
  Statement insert_block_;
  Statement delete_block_;
  OpenIntents open_;
  bool sound_ = true;
};

// The readers' side: `select` is a statement whose first columns are column_names().
UsageRecord read_row(const Statement& select, int first_column = 0);

}  // namespace tollgate::finops
