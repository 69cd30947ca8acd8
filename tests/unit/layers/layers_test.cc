#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace upgate {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The folders of gateway/, from the lowest layer to the highest.
const std::vector<std::string> kLayers{"base",    "io",      "config", "stats", "tls",
                                       "http",    "ws",      "plugin", "route", "backend",
                                       "session", "upgrade", "admin",  "net",   "app"};

// Folders that may include less than all layers above them.
const std::map<std::string, std::vector<std::string>> kNarrow{
    {"net", {"base", "io", "net"}}, {"plugins", {"base", "config", "plugin"}}};

// Libraries that only one folder may include.
const std::map<std::string, std::string> kHidden{
    {"uv.h", "net"},     {"uv/", "net"},       {"ares.h", "net"},   {"yaml-cpp/", "config"},
    {"openssl/", "tls"}, {"llhttp.h", "http"}, {"llhttp/", "http"}, {"cjose/", "tls"}};

constexpr std::string_view kBuiltins = "plugins/builtins.h";

// "gateway/ws/frame.h" -> "ws", "plugins/echo/echo.h" -> "plugins", otherwise nothing.
std::optional<std::string> FolderOf(std::string_view path) {
  if (path.starts_with("plugins/")) return "plugins";
  if (!path.starts_with("gateway/")) return {};
  path.remove_prefix(8);
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {};
  std::string folder(path.substr(0, slash));
  if (std::ranges::find(kLayers, folder) == kLayers.end()) return {};
  return folder;
}

bool MayInclude(const std::string& from, const std::string& to, std::string_view target) {
  if (to == "plugins") return from == "plugins" || (from == "app" && target == kBuiltins);
  if (const auto narrow = kNarrow.find(from); narrow != kNarrow.end()) {
    return std::ranges::find(narrow->second, to) != narrow->second.end();
  }
  return std::ranges::find(kLayers, to) <= std::ranges::find(kLayers, from);
}

// The target of an #include line with its quotes or brackets, or nothing.
std::optional<std::string> IncludeOf(std::string_view line) {
  const auto skip = [&] {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  };
  skip();
  if (!line.starts_with('#')) return {};
  line.remove_prefix(1);
  skip();
  if (!line.starts_with("include")) return {};
  line.remove_prefix(7);
  skip();
  if (line.empty() || (line[0] != '"' && line[0] != '<')) return {};
  const std::size_t end = line.find(line[0] == '"' ? '"' : '>', 1);
  if (end == std::string_view::npos) return {};
  return std::string(line.substr(0, end + 1));
}

// The violation of an #include in a file of `folder`; empty if there is none.
std::string JudgeInclude(const std::string& folder, const std::string& include) {
  const std::string target = include.substr(1, include.size() - 2);
  for (const auto& [library, owner] : kHidden) {
    const bool hit = library.ends_with('/') ? target.starts_with(library) : target == library;
    if (hit && folder != owner) return include + " belongs to gateway/" + owner;
  }
  if (include[0] == '<') {
    return FolderOf(target) ? include + " needs quotes" : "";
  }
  const auto to = FolderOf(target);
  if (!to || target.find("..") != std::string::npos)
    return include + " is no path from the root to a known folder";
  if (!MayInclude(folder, *to, target)) return include + " is not for " + folder;
  return "";
}

std::vector<std::string> JudgeIncludes(const std::string& path, const std::string& text) {
  const auto folder = FolderOf(path);
  if (!folder) return {path + ": unknown folder"};
  std::vector<std::string> problems;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto include = IncludeOf(line);
    if (!include) continue;
    if (const std::string problem = JudgeInclude(*folder, *include); !problem.empty()) {
      problems.push_back(path + ":" + std::to_string(number) + ": " + problem);
    }
  }
  return problems;
}

// The first line that is neither empty nor a // comment must be the pragma.
bool BeginsWithPragmaOnce(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with("//")) continue;
    return line == "#pragma once";
  }
  return false;
}

// Words that mean "unfinished". Built here, so that this file does not contain them.
bool SaysUnfinished(const std::string& text) {
  const std::vector<std::string> words{std::string("TO") + "DO", std::string("FIX") + "ME"};
  return std::ranges::any_of(
      words, [&](const std::string& word) { return text.find(word) != std::string::npos; });
}

struct File {
  std::string path;  // relative to the root
  std::string text;
};

// All hand-written files in these folders.
std::vector<File> FilesOf(const std::vector<std::string>& folders) {
  const std::vector<std::string> kinds{".h",  ".cc", ".c",  ".cmake", ".txt",  ".md",
                                       ".py", ".sh", ".js", ".yaml",  ".html", ".css"};
  const fs::path root(UPGATE_SOURCE_DIR);
  std::vector<File> files;
  for (const std::string& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (fs::recursive_directory_iterator at(root / folder), end; at != end; ++at) {
      const fs::directory_entry& entry = *at;
      if (entry.path().filename() == "node_modules") at.disable_recursion_pending();
      if (!entry.is_regular_file()) continue;
      if (std::ranges::find(kinds, entry.path().extension().string()) == kinds.end()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files.push_back({entry.path().lexically_relative(root).generic_string(),
                       {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()}});
    }
  }
  return files;
}

bool IsSource(const File& file) {
  return file.path.ends_with(".h") || file.path.ends_with(".cc");
}

TEST(LayersTest, IncludesGoUpOnly) {
  std::size_t sources = 0;
  for (const File& file : FilesOf({"gateway", "plugins"})) {
    if (!IsSource(file)) continue;
    ++sources;
    EXPECT_THAT(JudgeIncludes(file.path, file.text), IsEmpty());
  }
  EXPECT_GT(sources, 20U) << "no source tree at " << UPGATE_SOURCE_DIR;
}

TEST(LayersTest, HeadersBeginWithPragmaOnce) {
  for (const File& file : FilesOf({"docs", "gateway", "plugins", "tests"})) {
    if (!file.path.ends_with(".h")) continue;
    EXPECT_TRUE(BeginsWithPragmaOnce(file.text)) << file.path;
  }
}

TEST(LayersTest, NothingIsLeftUnfinished) {
  for (const File& file : FilesOf({"docs", "gateway", "plugins", "tests"})) {
    EXPECT_FALSE(SaysUnfinished(file.text)) << file.path;
  }
}

struct Snippet {
  std::string path;
  std::string line;
};

class ForbiddenInclude : public TestOfCase<Snippet> {};

TEST_EACH(ForbiddenInclude, IsFoundWithItsLine) {
  const auto problems =
      JudgeIncludes(GetParam().path, "#pragma once\n\n" + GetParam().line + "\nint x;\n");
  EXPECT_THAT(problems, ElementsAre(HasSubstr(GetParam().path + ":3: "))) << GetParam().line;
}

INSTANTIATE_CASES(Snippets, ForbiddenInclude,
                  Snippet{"gateway/base/a.h", R"(#include "gateway/io/stream.h")"},
                  Snippet{"gateway/http/a.cc", R"(#include "gateway/ws/frame.h")"},
                  Snippet{"gateway/session/a.cc", R"(#include "gateway/admin/page.h")"},
                  Snippet{"gateway/admin/a.cc", R"(#include "gateway/net/loop.h")"},
                  Snippet{"gateway/net/a.cc", R"(#include "gateway/config/config.h")"},
                  Snippet{"gateway/net/a.cc", R"(#include "gateway/http/message.h")"},
                  Snippet{"gateway/net/a.cc", R"(#include "gateway/app/gateway.h")"},
                  Snippet{"gateway/session/a.cc", R"(#include "plugins/echo/echo.h")"},
                  Snippet{"gateway/session/a.cc", R"(#include "plugins/builtins.h")"},
                  Snippet{"gateway/app/a.cc", R"(#include "plugins/echo/echo.h")"},
                  Snippet{"plugins/echo/a.cc", R"(#include "gateway/http/exchange.h")"},
                  Snippet{"plugins/echo/a.cc", R"(#include "gateway/session/tunnel.h")"},
                  Snippet{"gateway/base/a.cc", R"(#include "text.h")"},
                  Snippet{"gateway/base/a.cc", R"(#include "../base/text.h")"},
                  Snippet{"gateway/base/a.cc", R"(#include "gateway/base/../io/stream.h")"},
                  Snippet{"gateway/base/a.cc", R"(#include "gateway/utils/text.h")"},
                  Snippet{"gateway/base/a.cc", R"(#include "gateway/text.h")"},
                  Snippet{"gateway/base/a.cc", R"(#include "base/text.h")"},
                  Snippet{"gateway/base/a.cc", R"(#include "tests/support/fake.h")"},
                  Snippet{"gateway/base/a.cc", R"(#include <gateway/base/text.h>)"},
                  Snippet{"gateway/session/a.cc", "#include <uv.h>"},
                  Snippet{"gateway/session/a.cc", "  #  include\t<uv.h>"},
                  Snippet{"gateway/session/a.cc", R"(#include "uv.h")"},
                  Snippet{"gateway/app/a.cc", "#include <uv.h>  // for once"},
                  Snippet{"gateway/plugin/a.cc", "#include <yaml-cpp/yaml.h>"},
                  Snippet{"gateway/http/a.cc", "#include <openssl/ssl.h>"},
                  Snippet{"gateway/ws/a.cc", "#include <llhttp.h>"},
                  Snippet{"plugins/echo/a.cc", "#include <uv.h>"});

class AllowedInclude : public TestOfCase<Snippet> {};

TEST_EACH(AllowedInclude, Passes) {
  EXPECT_THAT(JudgeIncludes(GetParam().path, GetParam().line + "\n"), IsEmpty());
}

INSTANTIATE_CASES(Snippets, AllowedInclude,
                  Snippet{"gateway/base/a.cc", R"(#include "gateway/base/text.h")"},
                  Snippet{"gateway/app/a.cc", R"(#include "gateway/net/loop.h")"},
                  Snippet{"gateway/app/a.cc", R"(#include "plugins/builtins.h")"},
                  Snippet{"gateway/admin/a.cc", R"(#include "gateway/base/text.h")"},
                  Snippet{"gateway/net/a.cc", R"(#include "gateway/io/timers.h")"},
                  Snippet{"gateway/net/a.cc", "#include <uv.h>"},
                  Snippet{"gateway/config/a.cc", "#include <yaml-cpp/yaml.h>"},
                  Snippet{"gateway/tls/a.cc", "#include <openssl/ssl.h>"},
                  Snippet{"gateway/http/a.cc", "#include <llhttp.h>"},
                  Snippet{"gateway/session/a.cc", "#include <vector>"},
                  Snippet{"gateway/session/a.cc", "// #include <uv.h>"},
                  Snippet{"gateway/session/a.cc", "int include = 0;"},
                  Snippet{"plugins/echo/a.cc", R"(#include "plugins/echo/echo.h")"},
                  Snippet{"plugins/echo/a.cc", R"(#include "gateway/plugin/service.h")"},
                  Snippet{"plugins/builtins.cc", R"(#include "plugins/echo/echo.h")"});

TEST(ScannerTest, EveryProblemIsReported) {
  EXPECT_THAT(
      JudgeIncludes("gateway/ws/a.cc", "#include <uv.h>\n#include <vector>\n#include \"x.h\""),
      ElementsAre(HasSubstr("gateway/ws/a.cc:1: <uv.h> belongs to gateway/net"),
                  HasSubstr("gateway/ws/a.cc:3: \"x.h\"")));
}

TEST(ScannerTest, UnknownFolders) {
  EXPECT_THAT(JudgeIncludes("gateway/utils/a.cc", ""),
              ElementsAre("gateway/utils/a.cc: unknown folder"));
  EXPECT_THAT(JudgeIncludes("gateway/a.cc", ""), ElementsAre("gateway/a.cc: unknown folder"));
}

TEST(ScannerTest, PragmaOnce) {
  EXPECT_TRUE(BeginsWithPragmaOnce("#pragma once\n"));
  EXPECT_TRUE(BeginsWithPragmaOnce("// What this is.\n\n#pragma once\n#include <vector>\n"));
  EXPECT_FALSE(BeginsWithPragmaOnce("#include <vector>\n#pragma once\n"));
  EXPECT_FALSE(BeginsWithPragmaOnce("#ifndef A_H\n#define A_H\n#endif\n"));
  EXPECT_FALSE(BeginsWithPragmaOnce(""));
}

TEST(ScannerTest, Unfinished) {
  EXPECT_TRUE(SaysUnfinished(std::string("int x;  // TO") + "DO: more"));
  EXPECT_TRUE(SaysUnfinished(std::string("// FIX") + "ME"));
  EXPECT_FALSE(SaysUnfinished("// to do and to fix"));
}

}  // namespace
}  // namespace upgate
