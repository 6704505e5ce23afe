#include <fstream>

#include "config/client.h"
#include "config/server.h"
#include "helpers.h"

namespace fed::config {
namespace {

const std::string key(43, 'A');

Json client_json() {
  return {{"server", "fl.example.org:7600"},
          {"server_key", key},
          {"data", {{"format", "csv"}, {"path", "p.csv"}, {"label", "y"}}}};
}

Problems problems_of_client(const char* patch) {
  Json file = client_json();
  file.merge_patch(Json::parse(patch));
  const auto parsed = parse_client(file.dump());
  return parsed ? Problems() : parsed.error();
}

Problems problems_of_server(const char* text) {
  const auto parsed = parse_server(text);
  return parsed ? Problems() : parsed.error();
}

TEST_CASE("an empty server file has the defaults of the struct") {
  CHECK(parse_server("{}").value() == ServerSpec{});
  CHECK(parse_server("{}").value() == parse_server(to_text(ServerSpec{})).value());
}

TEST_CASE("a server file becomes the values it says, and is written again") {
  ServerSpec spec;
  spec.listen = "[::1]:0";
  spec.advertise = "fl.example.org:443";
  spec.state_dir = "/s";
  spec.admin_socket = "/a.sock";
  spec.io_threads = 3;
  spec.compute_threads = 4;
  spec.durability = Durability::process;
  spec.drain_s = 0.5;
  spec.limits = {1, 2, 9007199254740991, 0.25, 7};
  spec.log = {log::Level::warning, log::Format::journald};
  CHECK(parse_server(R"({"listen": "[::1]:0", "advertise": "fl.example.org:443", "state_dir": "/s",
    "admin_socket": "/a.sock", "io_threads": 3, "compute_threads": 4, "durability": "process", "drain_s": 0.5,
    "limits": {"connections_max": 1, "memory_bytes_max": 2, "upload_bytes_max": 9007199254740991,
               "handshake_s": 0.25, "idle_s": 7},
    "log": {"level": "warning", "format": "journald"}})")
            .value() == spec);
  CHECK(parse_server(to_text(spec)).value() == spec);
}

TEST_CASE("a written server file begins with what people look for, and has every key") {
  const std::string text = to_text(ServerSpec{});
  CHECK_THAT(text, Catch::StartsWith("{\n  \"listen\": \"0.0.0.0:7600\",\n"));
  CHECK_THAT(text, Catch::EndsWith("}\n"));
  const Json written = Json::parse(text);
  const Json schema = schema_of_kind(Kind::server);
  for (const auto& [name, property] : schema["properties"].items()) {
    INFO(name);
    CHECK((written.contains(name) || name == "advertise"));
    if (property["type"] == "object") CHECK(written[name].size() == property["properties"].size());
  }
}

TEST_CASE("mistakes in a server file are named, all at once") {
  CHECK(problems_of_server(R"({"listen": "7600", "durabilty": "power", "limits": {"idle_s": 0},
                              "log": {"level": "verbose"}, "drain_s": null, "state_dir": ""})") ==
        Problems{{"/durabilty", "unknown key; did you mean \"durability\"?"},
                 {"/drain_s", "is null; allowed: a number from 0 to 86400"},
                 {"/limits/idle_s", "is 0; allowed: a number above 0 and at most 86400"},
                 {"/listen",
                  "is \"7600\"; allowed: HOST:PORT, for example \"0.0.0.0:7600\" or \"[::]:7600\""},
                 {"/log/level",
                  "is \"verbose\"; allowed: \"debug\", \"info\", \"warning\" or \"error\""},
                 {"/state_dir", "is \"\"; allowed: a path"}});
  CHECK(problems_of_server(R"({"listen": "a:65536", "drain_s": null})") ==
        Problems{{"/drain_s", "is null; allowed: a number from 0 to 86400"},
                 {"/listen", "has a port out of range; allowed: a port from 0 to 65535"}});
  CHECK(problems_of_server(R"({"listen": "a:65536", "advertise": "a:0"})") ==
        Problems{{"/listen", "has a port out of range; allowed: a port from 0 to 65535"},
                 {"/advertise", "has a port out of range; allowed: a port from 1 to 65535"}});
  CHECK(parse_server(R"({"admin_socket": "a.sock"})", "/" + std::string(100, 'd')).error() ==
        Problems{{"/admin_socket", "is too long as \"/" + std::string(100, 'd') +
                                       "/a.sock\"; allowed: a path of at most 107 bytes"}});
  CHECK(parse_server(R"({"admin_socket": "a.sock"})", "/" + std::string(99, 'd')).has_value());
  CHECK(problems_of_server(R"({"listen": "a:0"})").empty());
  CHECK(problems_of_server(R"({"listen": "http://a:80"})").size() == 1);
  CHECK(problems_of_server(R"({"listen": "::1:80"})").size() == 1);
}

TEST_CASE("a short client file has the defaults of the struct") {
  ClientSpec spec;
  spec.server = "fl.example.org:7600";
  spec.server_key = key;
  spec.data.path = "p.csv";
  spec.data.label = "y";
  CHECK(parse_client(client_json().dump()).value() == spec);
  CHECK(parse_client(to_text(spec)).value() == spec);
}

TEST_CASE("a client file for a table becomes the values it says, and is written again") {
  ClientSpec spec{.server = "a:1",
                  .server_key = key,
                  .name = "north",
                  .cipher = ClientSpec::Cipher::chachapoly,
                  .state_dir = "/s",
                  .threads = 2,
                  .idle_s = 3,
                  .reconnect_s_max = 4.5,
                  .limits = {},
                  .jobs = {},
                  .log = {log::Level::debug, log::Format::json},
                  .data = {}};
  spec.data.path = "/d/p.csv";
  spec.data.label = "y";
  spec.data.features = {"age", "pain"};
  spec.data.columns = {{"age", "AGE_YRS"}, {"y", "OUT"}};
  spec.data.delimiter = '\t';
  spec.data.test_path = "/d/t.csv";
  spec.data.test_fraction = 0;
  spec.data.seed = 9;
  CHECK(parse_client(R"({"server": "a:1", "server_key": ")" + key + R"(", "name": "north",
    "cipher": "chachapoly", "state_dir": "/s", "threads": 2, "idle_s": 3, "reconnect_s_max": 4.5,
    "log": {"level": "debug", "format": "json"},
    "data": {"format": "csv", "path": "p.csv", "label": "y", "features": ["age", "pain"],
             "columns": {"age": "AGE_YRS", "y": "OUT"}, "delimiter": "\t", "test_path": "t.csv", "seed": 9}})",
                     "/d")
            .value() == spec);
  CHECK(parse_client(to_text(spec)).value() == spec);
}

TEST_CASE("a client file for images becomes the values it says, and is written again") {
  Json file = client_json();
  file["data"] = {{"format", "idx"}, {"images", "i"}, {"labels", "l"}};
  const ClientSpec plain = parse_client(file.dump(), "/d").value();
  CHECK(plain.data.format == DataSpec::Format::idx);
  CHECK(plain.data.images == "/d/i");
  CHECK(plain.data.labels == "/d/l");
  CHECK(plain.data.test_fraction == 0.2);
  CHECK(parse_client(to_text(plain)).value() == plain);
  file["data"].update({{"test_images", "../ti"}, {"test_labels", "/tl"}});
  const ClientSpec tested = parse_client(file.dump(), "/d").value();
  CHECK(tested.data.test_images == "/ti");
  CHECK(tested.data.test_labels == "/tl");
  CHECK(tested.data.test_fraction == 0);
  CHECK(parse_client(to_text(tested)).value() == tested);
}

TEST_CASE("a client that holds a key needs no data") {
  const ClientSpec spec = parse_client(R"({"server": "a:1", "server_key": ")" + key + R"(",
        "jobs": {"homomorphic_encryption": {"secret_key": "h.key", "clients_min": 5}}})",
                                       "/d")
                              .value();
  CHECK(spec.data.empty());
  CHECK(spec.jobs.homomorphic_encryption.secret_key == "/d/h.key");
  CHECK(spec.jobs.homomorphic_encryption.clients_min == 5);
  CHECK(parse_client(to_text(spec)).value() == spec);
}

TEST_CASE("mistakes in a client file are named") {
  CHECK(parse_client("{}").error() ==
        Problems{{"/server", "is missing; needed: HOST:PORT, for example \"fl.example.org:7600\""},
                 {"/server_key",
                  "is missing; needed: a public key: 43 characters of A-Z, a-z, 0-9, - and _"},
                 {"/data", "is missing; needed: an object"}});
  CHECK(problems_of_client(R"({"server": "a:99999"})") ==
        Problems{{"/server", "has a port out of range; allowed: a port from 1 to 65535"}});
  CHECK(problems_of_client(R"({"server_key": "abc"})") ==
        Problems{{"/server_key",
                  "is \"abc\"; allowed: a public key: 43 characters of A-Z, a-z, 0-9, - and _"}});
  CHECK(problems_of_client(R"({"data": {"format": "parquet"}})") ==
        Problems{{"/data/format", "is \"parquet\"; allowed: \"csv\" or \"idx\""}});
  CHECK(problems_of_client(R"({"data": {"format": null}})") ==
        Problems{{"/data/format", "is missing; needed: \"csv\" or \"idx\""}});
  CHECK(problems_of_client(
            R"({"data": {"format": "idx", "path": null, "label": null, "test_labels": "t"}})") ==
        Problems{{"/data/test_labels", "is not allowed unless \"test_images\" is given"},
                 {"/data/images", "is missing; needed when \"format\" is \"idx\""},
                 {"/data/labels", "is missing; needed when \"format\" is \"idx\""}});
  CHECK(problems_of_client(R"({"data": {"test_path": "t", "test_fraction": 0.1}})") ==
        Problems{{"/data/test_fraction", "is not allowed when \"test_path\" is given"}});
  CHECK(problems_of_client(R"({"data": {"test_fraction": 1}})") ==
        Problems{{"/data/test_fraction", "is 1; allowed: a number at least 0 and below 1"}});
  CHECK(problems_of_client(
            R"({"data": {"features": ["a", "y", "a"], "columns": {"b": "C", "c": "C"}}})") ==
        Problems{{"/data/features/1", "is \"y\", which is the label"},
                 {"/data/features/2", "is \"a\", as an earlier item"},
                 {"/data/columns/c", "is \"C\", which another name stands for already"}});
}

TEST_CASE("files are loaded with paths from their own folder") {
  const auto folder = std::filesystem::temp_directory_path() / "fed_config_server_client_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "server.json")
      << R"({"state_dir": "state", "admin_socket": "./admin.sock"})";
  const ServerSpec server = load_server_file(folder / "server.json").value();
  CHECK(server.state_dir == folder / "state");
  CHECK(server.admin_socket == folder / "admin.sock");
  std::ofstream(folder / "client.json") << client_json();
  const ClientSpec client = load_client_file(folder / "client.json").value();
  CHECK(client.data.path == folder / "p.csv");
  CHECK(client.state_dir == "/var/lib/fedclient");
  std::filesystem::remove_all(folder);
  CHECK(load_server_file(folder / "server.json").error() ==
        Problems{{"", "there is no such file"}});
  CHECK(load_client_file(folder / "client.json").error() ==
        Problems{{"", "there is no such file"}});
}

}  // namespace
}  // namespace fed::config
