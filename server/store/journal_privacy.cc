// The privacy ledger.
#include <bit>

#include "store/attempts.h"
#include "store/journal.h"
#include "store/sqlite.h"

namespace fed::store {
namespace {

Bytes bytes_of(const std::vector<double>& values) {
  Bytes bytes(values.size() * sizeof(double));
  for (std::size_t i = 0; i < values.size(); ++i) {
    store_le<std::uint64_t>(bytes.data() + i * sizeof(double),
                            std::bit_cast<std::uint64_t>(values[i]));
  }
  return bytes;
}

std::vector<double> doubles_of(ByteView bytes) {
  std::vector<double> values(bytes.size() / sizeof(double));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::bit_cast<double>(load_le<std::uint64_t>(bytes.data() + i * sizeof(double)));
  }
  return values;
}

Result<std::vector<LedgerRow>> rows_of(Statement& statement) {
  std::vector<LedgerRow> rows;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return rows;
    rows.push_back({.job = statement.text(0),
                    .round = statement.integer(1),
                    .cost = {.mechanism = statement.text(2),
                             .clipping_norm = statement.real(3),
                             .noise_multiplier = statement.real(4),
                             .rdp = doubles_of(statement.blob(5))},
                    .at = statement.integer(6)});
  }
}

}  // namespace

Status enter_privacy(Database& database, const RoundCommit& commit) {
  if (!commit.privacy) return {};
  const PrivacyCost& cost = *commit.privacy;
  return database
      .prepare(
          "INSERT INTO privacy_ledger (job, round, mechanism, clipping_norm, noise_multiplier,"
          " cost, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .bind(commit.job)
      .bind(commit.round)
      .bind(cost.mechanism)
      .bind(cost.clipping_norm)
      .bind(cost.noise_multiplier)
      .bind(ByteView(bytes_of(cost.rdp)))
      .bind(commit.committed_at)
      .run();
}

Result<std::vector<LedgerRow>> Journal::privacy_ledger(std::string_view job) {
  Statement statement = database_->prepare(
      "SELECT job, round, mechanism, clipping_norm, noise_multiplier, cost, at"
      " FROM privacy_ledger WHERE job = ?1 ORDER BY round");
  statement.bind(job);
  return rows_of(statement);
}

Result<std::vector<LedgerRow>> Journal::privacy_ledger_of(std::int64_t client) {
  Statement statement = database_->prepare(
      "SELECT DISTINCT l.job, l.round, l.mechanism, l.clipping_norm, l.noise_multiplier, l.cost,"
      " l.at FROM privacy_ledger l JOIN contributions c ON c.job = l.job AND c.round = l.round"
      " WHERE c.client = ?1 AND c.committed = 1 ORDER BY l.job, l.round");
  statement.bind(client);
  return rows_of(statement);
}

Result<std::map<std::int64_t, std::vector<std::int64_t>>> Journal::committed_tasks(
    std::string_view job) {
  Statement statement = database_->prepare(
      "SELECT client, task FROM contributions WHERE job = ?1 AND committed = 1 AND round > 0"
      " ORDER BY task");
  statement.bind(job);
  std::map<std::int64_t, std::vector<std::int64_t>> tasks;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return tasks;
    tasks[statement.integer(0)].push_back(statement.integer(1));
  }
}

}  // namespace fed::store
