#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "checker.h"

namespace fed::sim {
namespace {

constexpr std::uint64_t kStepsBetweenLooks = 50;
constexpr std::size_t kPieceBytes = 16;

class SumsChecker final : public Checker {
 public:
  const char* name() const override { return "sums"; }

  std::string after_step(World& world) override {
    const std::string& said = world.ledger().sums().wrong();
    if (!said.empty()) return said;
    if (world.steps() % kStepsBetweenLooks != 0) return {};
    return look_at_staging(world);
  }

  std::string at_end(World& world) override {
    const std::string on_disk = look_everywhere(world);
    if (!on_disk.empty()) return on_disk;
    const std::string apart = world.ledger().sums().told_apart();
    if (!apart.empty()) return apart;
    using Made = std::pair<SumId, Sums::Opened>;
    std::map<std::pair<std::string, std::int64_t>, Made> first;
    for (const auto& [id, opened] : world.ledger().sums().opened()) {
      const auto [at, is_first] = first.try_emplace({id.job, opened.round}, Made{id, opened});
      if (!is_first && at->second.second.survivors != opened.survivors)
        return fmt::format("{} round {}: sums {} and {} can both be made, over other clients",
                           id.job, opened.round, at->second.first.attempt, id.attempt);
      const std::string wrong = check_version(world, id.job, opened);
      if (!wrong.empty())
        return fmt::format("{} round {} sum {}: {}", id.job, opened.round, id.attempt, wrong);
    }
    return {};
  }

 private:
  // Whoever is in a sum that could be made is counted, and nobody else.
  static std::string check_version(World& world, const std::string& name,
                                   const Sums::Opened& opened) {
    const auto job = world.server().coordinator().job(name);
    if (!job || job->version() < opened.round) return {};  // the job has ended before
    const auto rows = world.server().journal().contributions(name, opened.round);
    if (!rows) return "the journal cannot be read";
    std::set<std::string> counted;
    for (const store::ContributionRow& row : *rows) {
      if (row.outcome == "accepted")
        counted.insert(world.server().coordinator().name_of(row.client));
    }
    if (counted == opened.survivors) return {};
    return fmt::format("it can be made over {} clients, and the version counts {}",
                       opened.survivors.size(), counted.size());
  }

  // A piece of an update by which it is known: not zeros, which are in every file.
  struct Piece {
    std::size_t at = 0;
    Bytes bytes;
    UpdateId id;
  };
  static std::optional<Piece> piece_of(const UpdateId& id, const Bytes& update) {
    for (std::size_t at = 0; at + kPieceBytes <= update.size(); at += kPieceBytes) {
      const auto begin = update.begin() + static_cast<std::ptrdiff_t>(at);
      const Bytes bytes(begin, begin + kPieceBytes);
      if (std::set<std::uint8_t>(bytes.begin(), bytes.end()).size() >= kPieceBytes / 2)
        return Piece{at, bytes, id};
    }
    // The sums of a few columns are all zeros but for some.
    const std::set<std::uint8_t> all(update.begin(), update.end());
    if (all.size() >= kPieceBytes / 2) return Piece{0, update, id};
    return std::nullopt;
  }

  // Of updates that are to be seen in sums only.
  const std::vector<Piece>& pieces(World& world) {
    const auto& all = world.ledger().all_trained();
    if (all.size() == known_) return pieces_;
    known_ = all.size();
    pieces_.clear();
    for (const auto& [id, update] : all) {
      auto piece = update.hidden ? piece_of(id, update.coded) : std::nullopt;
      if (piece) pieces_.push_back(std::move(*piece));
    }
    return pieces_;
  }

  static std::string found(const std::string& path, const UpdateId& id) {
    return fmt::format("{} holds site-{}'s update of {} task {}", path, id.client + 1, id.job,
                       id.task);
  }

  std::string look_at_staging(World& world) {
    std::string wrong;
    const auto& known = pieces(world);
    if (known.empty()) return {};
    world.server_disk().look("/state/staging", [&](const std::string& path, const Bytes& content) {
      for (const Piece& piece : known) {
        const bool there =
            content.size() >= piece.at + piece.bytes.size() &&
            std::memcmp(content.data() + piece.at, piece.bytes.data(), piece.bytes.size()) == 0;
        if (there) wrong = found(path, piece.id);
      }
    });
    return wrong;
  }

  // At any place in any file.
  std::string look_everywhere(World& world) {
    std::string wrong;
    const auto& known = pieces(world);
    if (known.empty()) return {};
    world.server_disk().look("/state", [&](const std::string& path, const Bytes& content) {
      for (const Piece& piece : known) {
        const auto at =
            std::search(content.begin(), content.end(), piece.bytes.begin(), piece.bytes.end());
        if (at != content.end()) wrong = found(path, piece.id);
      }
    });
    return wrong;
  }

  std::size_t known_ = 0;  // updates that were trained when pieces_ was made
  std::vector<Piece> pieces_;
};

}  // namespace

std::unique_ptr<Checker> check_sums() { return std::make_unique<SumsChecker>(); }

}  // namespace fed::sim
