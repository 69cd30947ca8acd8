#include "plugins/files/options.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/sections.h"

namespace upgate::plugins::files {
namespace {

using config::Field;

Folder OpenRoot(const Field& field, const std::filesystem::path& folder) {
  if (!field.present()) {
    field.Error("missing; needs the path of the folder to serve");
    return {};
  }
  const std::string path = config::ParseFilePath(field, folder).path;
  if (path.empty()) return {};
  auto root = Folder::Open(path);
  if (root) return std::move(*root);
  field.Error(fmt::format("cannot serve {}: {}; name a folder that this process may read",
                          config::PathExcerpt(path), root.error().message));
  return {};
}

bool IsHeaderText(std::string_view text) {
  return !text.empty() && Trim(text) == text && std::ranges::none_of(text, IsControl);
}

std::string ReadIndex(const Field& field, std::string fallback) {
  auto name = field.Optional<std::string>(std::move(fallback));
  const bool is_name =
      !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
  if (!is_name || std::ranges::any_of(name, IsControl))
    field.Refuse({}, "the name of a file, such as index.html");
  return name;
}

// Without empty components and dots, as Folder requires.
std::string ReadFallback(const Field& field, const Folder& root) {
  const auto written = field.Maybe<config::FileName>();
  if (!written) return {};
  const std::filesystem::path path =
      std::filesystem::path(written->path).lexically_normal().relative_path();
  if (path.empty() || *path.begin() == ".." || !path.has_filename()) {
    field.Refuse({}, "the path of a file inside of root, such as index.html");
    return {};
  }
  if (root.holds_folder() && !root.OpenBeneath(path.string())) {
    field.Refuse({"does not exist, or cannot be read", "name a file inside of root"}, {});
  }
  return path.string();
}

std::string ReadCacheControl(const Field& field) {
  const auto value = field.Maybe<std::string>();
  if (!value) return {};
  if (!IsHeaderText(*value))
    field.Refuse({}, "the value of a Cache-Control header, such as no-cache or \"max-age=3600\"");
  return *value;
}

ContentTypes ReadContentTypes(const Field& field) {
  ContentTypes types;
  for (const Field::Member& member : field.Members()) {
    const auto type = member.field.Maybe<std::string>();
    if (!type) continue;
    const std::size_t slash = type->find('/');
    const bool is_type =
        IsHeaderText(*type) && slash != std::string::npos && slash > 0 && slash + 1 < type->size();
    if (!is_type) member.field.Refuse({}, "a media type such as text/plain");
    std::string_view extension = member.name;
    if (extension.starts_with('.')) extension.remove_prefix(1);
    if (extension.empty() || extension.find_first_of("./") != std::string_view::npos) {
      member.field.ErrorAt(
          member.mark,
          "is not a file extension; write the part behind the last dot of the name, such as md");
    }
    types.Set(extension, *type);
  }
  return types;
}

}  // namespace

Options ReadOptions(plugin::ServiceSetup& setup) {
  Field& field = setup.options;
  Options options;
  options.root = OpenRoot(field["root"], setup.folder);
  options.index = ReadIndex(field["index"], std::move(options.index));
  options.fallback = ReadFallback(field["fallback"], options.root);
  options.cache_control = ReadCacheControl(field["cache_control"]);
  options.content_types = ReadContentTypes(field["content_types"]);
  options.precompressed = field["precompressed"].Optional(options.precompressed);
  options.dotfiles = field["dotfiles"].Optional(options.dotfiles);
  field.RejectUnknownKeys();
  return options;
}

}  // namespace upgate::plugins::files
