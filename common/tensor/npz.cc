#include "tensor/npz.h"

#include <fmt/format.h>
#include <zlib.h>

#include <set>

namespace fed::tensor {
namespace {

constexpr std::uint64_t archive_bytes_max = 0xffffffff;
constexpr std::size_t members_max = 0xffff;
constexpr std::uint16_t utf8_names = 0x0800;     // APPNOTE 4.4.4, bit 11
constexpr std::uint16_t first_of_1980 = 0x0021;  // a fixed date: the same arrays give the same file
constexpr std::uint16_t version_needed = 20;

template <class T>
void put(Bytes& out, T value) {
  out.resize(out.size() + sizeof value);
  store_le(out.data() + out.size() - sizeof value, value);
}

struct Member {
  std::string name;  // with .npy
  std::string header;
  ByteView data;
  std::uint32_t crc = 0;
  std::uint64_t offset = 0;

  std::uint64_t size() const { return header.size() + data.size(); }
};

// numpy.lib.format, version 1.0: magic, version, u16 length, a Python dict, spaces to a multiple of
// 64, a newline.
std::string npy_header(const TensorView& tensor) {
  const std::string shape = tensor.shape.size() == 1
                                ? fmt::format("({},)", tensor.shape[0])
                                : fmt::format("({})", fmt::join(tensor.shape, ", "));
  std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
                                 traits(tensor.type).npy, shape);
  constexpr std::size_t before = 10;
  dict.resize((before + dict.size() + 1 + 63) / 64 * 64 - before - 1, ' ');
  dict += '\n';
  std::string header = "\x93NUMPY";
  header +=
      {'\x01', '\x00', static_cast<char>(dict.size() & 0xff), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

// What a member's local and its central header have in common, from the flags on (APPNOTE 4.3.7
// and 4.3.12).
void put_common(Bytes& out, const Member& member) {
  put<std::uint16_t>(out, utf8_names);
  put<std::uint16_t>(out, 0);  // stored
  put<std::uint16_t>(out, 0);  // time
  put<std::uint16_t>(out, first_of_1980);
  put<std::uint32_t>(out, member.crc);
  put<std::uint32_t>(out, static_cast<std::uint32_t>(member.size()));
  put<std::uint32_t>(out, static_cast<std::uint32_t>(member.size()));
  put<std::uint16_t>(out, static_cast<std::uint16_t>(member.name.size()));
  put<std::uint16_t>(out, 0);  // extra field
}

Bytes local_header(const Member& member) {
  Bytes out;
  put<std::uint32_t>(out, 0x04034b50);
  put<std::uint16_t>(out, version_needed);
  put_common(out, member);
  append(out, view(member.name));
  return out;
}

Bytes directory(std::span<const Member> members, std::uint64_t start) {
  Bytes out;
  for (const Member& member : members) {
    put<std::uint32_t>(out, 0x02014b50);
    put<std::uint16_t>(out, version_needed);
    put<std::uint16_t>(out, version_needed);
    put_common(out, member);
    put<std::uint16_t>(out, 0);  // comment
    put<std::uint16_t>(out, 0);  // disk
    put<std::uint16_t>(out, 0);  // internal attributes
    put<std::uint32_t>(out, 0);  // external attributes
    put<std::uint32_t>(out, static_cast<std::uint32_t>(member.offset));
    append(out, view(member.name));
  }
  const auto size = static_cast<std::uint32_t>(out.size());
  put<std::uint32_t>(out, 0x06054b50);
  put<std::uint32_t>(out, 0);  // this disk, the directory's disk
  put<std::uint16_t>(out, static_cast<std::uint16_t>(members.size()));
  put<std::uint16_t>(out, static_cast<std::uint16_t>(members.size()));
  put<std::uint32_t>(out, size);
  put<std::uint32_t>(out, static_cast<std::uint32_t>(start));
  put<std::uint16_t>(out, 0);  // comment
  return out;
}

std::uint32_t crc_of(const Member& member) {
  const ByteView header = view(member.header);
  const uLong crc = crc32_z(0, header.data(), header.size());
  // zlib takes a null pointer as a request for the initial value, so an empty array must not reach
  // it.
  if (member.data.empty()) return static_cast<std::uint32_t>(crc);
  return static_cast<std::uint32_t>(crc32_z(crc, member.data.data(), member.data.size()));
}

Result<Member> member_of(const TensorView& tensor) {
  FED_TRY(check(tensor));
  constexpr std::size_t name_bytes_max = 1024, dimensions_max = 32;
  if (tensor.name.empty() || tensor.name.size() > name_bytes_max ||
      tensor.shape.size() > dimensions_max) {
    return Error{ErrorCode::invalid,
                 "an array of an .npz needs a name of 1 to 1024 bytes and at most 32 dimensions"};
  }
  if (!traits(tensor.type).npy) {
    return Error{ErrorCode::unsupported,
                 "NumPy has no type for '" + tensor.name + "', which is bf16: export safetensors"};
  }
  return Member{tensor.name + ".npy", npy_header(tensor), tensor.data};
}

}  // namespace

Status write_npz(const File& file, std::span<const TensorView> tensors) {
  const Error too_large{ErrorCode::too_large,
                        "an .npz ends at 4 GiB and 65,535 arrays: export safetensors instead"};
  if (tensors.size() > members_max) return too_large;
  std::vector<Member> members;
  std::set<std::string_view> names;
  std::uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      return Error{ErrorCode::invalid, "two arrays are named '" + tensor.name + "'"};
    }
    FED_ASSIGN(member, member_of(tensor));
    member.offset = offset;
    offset += local_header(member).size() + member.size();
    members.push_back(std::move(member));
  }
  if (offset + directory(members, 0).size() > archive_bytes_max) return too_large;
  for (Member& member : members) {
    member.crc = crc_of(member);
    Bytes head = local_header(member);
    append(head, view(member.header));
    FED_TRY(file.write_at(member.offset, head));
    FED_TRY(file.write_at(member.offset + head.size(), member.data));
  }
  const Bytes end = directory(members, offset);
  FED_TRY(file.write_at(offset, end));
  return file.truncate(offset + end.size());
}

}  // namespace fed::tensor
