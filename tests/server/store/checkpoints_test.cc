// Checkpoints: there and back, by us and by NumPy; everything that does not fit is named.
#include "store/checkpoints.h"

#include <signal.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <limits>

#include "folder.h"

namespace {

using fed::Durability;
using fed::ErrorCode;
using fed::store::Checkpoint;
using fed::store::Checkpoints;
using fed::store::CheckpointView;
using fed::store::testing::Folder;
using fed::tensor::Floats;
using fed::tensor::Layout;
namespace fs = std::filesystem;

Layout small_layout() {
  Layout layout;
  layout.add("layers.0.weight", {2, 3}).value();
  layout.add("layers.0.bias", {2}).value();
  return layout;
}

struct Model {
  Folder folder;
  Checkpoints checkpoints{fed::real_disk(), folder / "checkpoints", Durability::process};
  Layout layout = small_layout();
  Floats weights = {1, -2, 0.5, 4, 5.25, -6, 7, 1e-3F};
  Floats m = Floats(8, 0.25F), v = Floats(8, 1e-6F);

  CheckpointView view(std::int64_t version) const {
    return {.job = "fashion",
            .version = version,
            .layout = &layout,
            .weights = weights,
            .m = m,
            .v = v,
            .metadata = {{"metrics", R"({"loss": 0.5})"}, {"job_text", "{\"name\": \"fashiön\"}"}}};
  }
};

std::string run_reader(const fs::path& file) {
  const std::string command = "/usr/bin/python3 " FED_READER " '" + file.string() + "'";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string output;
  char buffer[4096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    output.append(buffer, got);
  }
  CHECK(::pclose(pipe) == 0);
  return output;
}

const std::string kParameters =
    "layers.0.bias [2] 0x1.c000000000000p+2 0x1.0624de0000000p-10\n"
    "layers.0.weight [2, 3] 0x1.0000000000000p+0 -0x1.0000000000000p+1 0x1.0000000000000p-1"
    " 0x1.0000000000000p+2 0x1.5000000000000p+2 -0x1.8000000000000p+2\n";
const std::string kMetadata =
    "format = fed.checkpoint/1\njob = fashion\njob_text = {\"name\": \"fashiön\"}\n"
    "metrics = {\"loss\": 0.5}\nversion = 4\n";

// The file's text `from` becomes `to`, of the same length.
void patch(const fs::path& path, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  const fed::Bytes bytes = fed::store::testing::content(path);
  std::string text(fed::text(bytes));
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  fed::replace_file(path, fed::view(text), Durability::process).value();
}

}  // namespace

TEST_CASE("checkpoint: weights, optimizer state and metadata come back to the bit") {
  for (const Durability durability : {Durability::process, Durability::power}) {
    Model model;
    model.checkpoints = Checkpoints(fed::real_disk(), model.folder / "checkpoints", durability);
    model.checkpoints.save(model.view(4)).value();
    const Checkpoint back = model.checkpoints.load("fashion", 4, model.layout).value();
    CHECK(back.version == 4);
    CHECK((back.weights == model.weights && back.m == model.m && back.v == model.v));
    CHECK(back.metadata.at("metrics") == R"({"loss": 0.5})");
    CHECK(back.metadata.at("job") == "fashion");
  }
}

TEST_CASE("checkpoint: without optimizer state") {
  Model model;
  model.m.clear();
  model.v.clear();
  model.checkpoints.save(model.view(0)).value();
  const Checkpoint back = model.checkpoints.load("fashion", 0, model.layout).value();
  CHECK((back.m.empty() && back.v.empty() && back.weights == model.weights));
}

TEST_CASE("checkpoint: NumPy reads the same from the checkpoint and from both exports") {
  Model model;
  model.checkpoints.save(model.view(4)).value();
  std::string state;
  for (const char* line : {"optimizer.m [8]", "optimizer.v [8]"}) {
    state += line;
    const char* value = line[10] == 'm' ? " 0x1.0000000000000p-2" : " 0x1.0c6f7a0000000p-20";
    for (int i = 0; i < 8; ++i) state += value;
    state += "\n";
  }
  CHECK(run_reader(model.checkpoints.path("fashion", 4)) == kParameters + state + kMetadata);

  model.checkpoints.export_model("fashion", 4, model.folder / "model.safetensors").value();
  CHECK(run_reader(model.folder / "model.safetensors") == kParameters + kMetadata);
  model.checkpoints.export_model("fashion", 4, model.folder / "model.npz").value();
  CHECK(run_reader(model.folder / "model.npz") == kParameters);
  CHECK(model.checkpoints.export_model("fashion", 4, model.folder / "model.h5").error().code ==
        ErrorCode::invalid);
  model.checkpoints.save(model.view(7)).value();
  const fed::Error gone =
      model.checkpoints.export_model("fashion", 5, model.folder / "model.npz").error();
  CHECK(gone.code == ErrorCode::not_found);
  CHECK(gone.detail == "job fashion has no model of round 5; it has those of the rounds 4, 7");
}

TEST_CASE("checkpoint: another layout is refused with the tensor and both shapes") {
  Model model;
  model.checkpoints.save(model.view(4)).value();
  const auto refusal = [&](const Layout& layout) {
    const auto result = model.checkpoints.load("fashion", 4, layout);
    REQUIRE(result.has_error());
    CHECK(result.error().code == ErrorCode::mismatch);
    return result.error().detail;
  };
  const auto says = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };

  Layout other;
  other.add("layers.0.weight", {3, 2}).value();
  other.add("layers.0.bias", {2}).value();
  const std::string shape = refusal(other);
  CHECK((says(shape, "\"layers.0.weight\"") && says(shape, "[2, 3]") && says(shape, "[3, 2]")));

  Layout more = model.layout;
  more.add("layers.1.bias", {9}).value();
  const std::string missing = refusal(more);
  CHECK((says(missing, "\"layers.1.bias\" is missing") && says(missing, "[9]")));

  Layout fewer;
  fewer.add("layers.0.weight", {2, 3}).value();
  CHECK(says(refusal(fewer), "no tensor \"layers.0.bias\""));
}

TEST_CASE(
    "checkpoint: a file of another job or version, without a format, or not finite is refused") {
  Model model;
  const fs::path path = model.checkpoints.path("fashion", 4);
  const auto code = [&] { return model.checkpoints.load("fashion", 4, model.layout).error().code; };
  model.checkpoints.save(model.view(5)).value();
  fs::rename(model.checkpoints.path("fashion", 5), path);
  CHECK(code() == ErrorCode::mismatch);
  model.checkpoints.save(model.view(4)).value();
  patch(path, "\"fashion\"", "\"fashiom\"");
  CHECK(code() == ErrorCode::mismatch);
  model.checkpoints.save(model.view(4)).value();
  patch(path, "fed.checkpoint/1", "fed.checkpoint/2");
  CHECK(code() == ErrorCode::mismatch);
  for (Floats* values : {&model.weights, &model.m, &model.v}) {
    const float before = std::exchange(values->at(3), std::numeric_limits<float>::quiet_NaN());
    model.checkpoints.save(model.view(4)).value();
    CHECK(code() == ErrorCode::invalid);
    values->at(3) = before;
  }
  model.m.resize(8);
  model.checkpoints.save(model.view(4)).value();
  CHECK(model.checkpoints.load("fashion", 4, model.layout).has_value());
}

TEST_CASE("checkpoint: cut off anywhere, it is an error and never a model") {
  Model model;
  model.checkpoints.save(model.view(4)).value();
  const fs::path path = model.checkpoints.path("fashion", 4);
  const fed::Bytes whole = fed::store::testing::content(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    fed::replace_file(path, fed::ByteView(whole).first(size), Durability::process).value();
    REQUIRE(model.checkpoints.load("fashion", 4, model.layout).has_error());
  }
}

TEST_CASE("checkpoint: versions, and pruning to the ones to keep") {
  Model model;
  CHECK(model.checkpoints.versions("fashion").value().empty());
  for (const std::int64_t version : {10, 9, 2, 0})
    model.checkpoints.save(model.view(version)).value();
  fed::File::open_to_write(model.folder / "checkpoints/fashion/11.safetensors.tmp").value();
  fed::File::open_to_write(model.folder / "checkpoints/fashion/notes.txt").value();
  CHECK(model.checkpoints.versions("fashion").value() == std::vector<std::int64_t>{0, 2, 9, 10});
  model.checkpoints.prune("fashion", {10, 2}).value();
  CHECK(model.checkpoints.versions("fashion").value() == std::vector<std::int64_t>{2, 10});
  CHECK_FALSE(fs::exists(model.folder / "checkpoints/fashion/11.safetensors.tmp"));
  CHECK(fs::exists(model.folder / "checkpoints/fashion/notes.txt"));
  model.checkpoints.remove_job("fashion").value();
  CHECK_FALSE(fs::exists(model.folder / "checkpoints/fashion"));
}

TEST_CASE("checkpoint: a save that fails half-way leaves the older one, and no litter") {
  Model model;
  model.checkpoints.save(model.view(4)).value();
  const Floats before = model.weights;
  model.weights[0] = 99;
  // The system refuses to let a file grow beyond 300 bytes.
  ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit unlimited {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  struct rlimit small = unlimited;
  small.rlim_cur = 300;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto failed = model.checkpoints.save(model.view(4));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  CHECK(failed.has_error());
  CHECK(model.checkpoints.load("fashion", 4, model.layout).value().weights == before);
  CHECK_FALSE(fs::exists(model.folder / "checkpoints/fashion/4.safetensors.tmp"));
  model.checkpoints.save(model.view(4)).value();
  CHECK(model.checkpoints.load("fashion", 4, model.layout).value().weights[0] == 99);
}
