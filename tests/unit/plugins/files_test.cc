// The service `files`, from its options to its responses.
#include <sys/resource.h>

#include <fstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "tests/support/temp_folder.h"
#include "tests/unit/plugins/plugin_fixture.h"

namespace upgate::plugins {
namespace {

using testing::HasSubstr;

constexpr std::string_view kDate =
    "Sun, 13 Sep 2020 12:26:40 GMT";  // of every file that TempFolder writes

class FilesTest : public PluginsTest {
 protected:
  FilesTest() {
    route_.path = {config::PathPattern::Kind::kPrefix, "", "/*"};
    folder_ = site_.path();
    site_.Write("index.html", "<h1>home</h1>");
    site_.Write("css/x.css", "body {}");
    site_.Write("docs/index.html", "docs");
    site_.Write("docs/a b\xc3\xa4.txt", "name");
    site_.Write("ten.txt", "0123456789");
    site_.Write("empty.txt", "");
    site_.Folder("bare");
  }

  void Serve(const std::string& options = "{ root: . }") {
    instance_ = Start("files", options);
    ASSERT_NE(instance_, nullptr) << Errors();
  }

  // Sends a request with this Target::path; `raw` is Target::raw_path, if it differs.
  http::Response Ask(std::string path, http::Headers headers = {},
                     const std::string& method = "GET", const std::string& raw = "") {
    if (!instance_) Serve();
    FakeExchange exchange(method, std::move(path));
    exchange.editable_request().headers = std::move(headers);
    if (!raw.empty()) exchange.editable_request().target.raw_path = raw;
    const auto handler = instance_->OnRequest(exchange);
    loop_.RunUntilIdle();
    EXPECT_TRUE(exchange.ended);
    length_ = exchange.length;
    return exchange.response.value_or(http::Response{});
  }
  int Status(std::string path, http::Headers headers = {}, const std::string& method = "GET") {
    return Ask(std::move(path), std::move(headers), method).status;
  }

  test::TempFolder site_;
  std::unique_ptr<plugin::Instance> instance_;
  std::optional<std::uint64_t> length_;  // from SendHead of the last response
};

TEST_F(FilesTest, AFileComesWithAllThatIsKnownAboutIt) {
  const http::Response answer = Ask("/css/x.css");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "body {}");
  EXPECT_EQ(ValueOf(answer, "content-type"), "text/css; charset=utf-8");
  EXPECT_EQ(ValueOf(answer, "last-modified"), kDate);
  EXPECT_EQ(ValueOf(answer, "accept-ranges"), "bytes");
  EXPECT_EQ(ValueOf(answer, "x-content-type-options"), "nosniff");
  EXPECT_THAT(ValueOf(answer, "etag"), testing::MatchesRegex("\"[0-9a-f-]+\""));
  EXPECT_EQ(ValueOf(answer, "vary"), "(none)");
  EXPECT_EQ(ValueOf(answer, "cache-control"), "(none)");
}

TEST_F(FilesTest, HeadSaysTheSameWithoutTheBytes) {
  const http::Response get = Ask("/ten.txt");
  const http::Response head = Ask("/ten.txt", {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(length_, 10u);
  EXPECT_EQ(head.headers.size(), get.headers.size());
  for (const auto& [name, value] : get.headers) EXPECT_EQ(ValueOf(head, name), value);
  // Ranges apply only to GET.
  EXPECT_EQ(Status("/ten.txt", {{"Range", "bytes=0-1"}}, "HEAD"), 200);
  EXPECT_EQ(Status("/ten.txt", {{"If-None-Match", ValueOf(get, "etag")}}, "HEAD"), 304);
}

TEST_F(FilesTest, OtherMethodsAreRefused) {
  for (const std::string method : {"POST", "PUT", "DELETE", "PROPFIND", "get"}) {
    const http::Response answer = Ask("/ten.txt", {}, method);
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(ValueOf(answer, "allow"), "GET, HEAD, OPTIONS");
  }
  const http::Response options = Ask("*", {}, "OPTIONS");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(ValueOf(options, "allow"), "GET, HEAD, OPTIONS");
}

TEST_F(FilesTest, FoldersWithASlashServeTheirIndex) {
  EXPECT_EQ(Ask("/").body, "<h1>home</h1>");
  EXPECT_EQ(Ask("/docs/").body, "docs");
  EXPECT_EQ(ValueOf(Ask("/docs/"), "content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(Status("/bare/"), 404);
  EXPECT_EQ(Status("/nothing/"), 404);
  EXPECT_EQ(Status("/ten.txt/"), 404);
  site_.Folder("odd/index.html");
  EXPECT_EQ(Status("/odd/"), 404);
}

TEST_F(FilesTest, AFolderWithoutItsSlashIsRedirectedThere) {
  EXPECT_EQ(Status("/docs"), 301);
  EXPECT_EQ(ValueOf(Ask("/docs"), "location"), "./docs/");
  EXPECT_EQ(ValueOf(Ask("//docs"), "location"), "./docs/") << "never to another host";
  site_.Folder("bare/a:b \xc3\xa4");
  EXPECT_EQ(ValueOf(Ask("/bare/a:b \xc3\xa4", {}, "GET", "/bare/a:b%20%C3%A4"), "location"),
            "./a:b%20%C3%A4/");
  FakeExchange exchange("GET", "/docs", "a=//b?c");
  instance_->OnRequest(exchange);
  EXPECT_EQ(ValueOf(*exchange.response, "location"), "./docs/?a=//b?c");
}

TEST_F(FilesTest, APrefixRouteTakesItsPrefixOff) {
  route_.path = {config::PathPattern::Kind::kPrefix, "/app", "/app/*"};
  EXPECT_EQ(Ask("/app/css/x.css").body, "body {}");
  EXPECT_EQ(Ask("/app/").body, "<h1>home</h1>");
  EXPECT_EQ(ValueOf(Ask("/app"), "location"), "./app/");
  EXPECT_EQ(Status("/app/app/css/x.css"), 404);
}

TEST_F(FilesTest, AnExactRouteIsTheIndexAndARegularExpressionTheWholePath) {
  route_.path = {config::PathPattern::Kind::kExact, "/robots.txt", "/robots.txt"};
  Serve("{ root: ., index: ten.txt }");
  EXPECT_EQ(Ask("/robots.txt").body, "0123456789");
  EXPECT_EQ(ValueOf(Ask("/robots.txt"), "content-type"), "text/plain; charset=utf-8");
  route_.path = {config::PathPattern::Kind::kRegex, "^/(css|js)/", "~^/(css|js)/"};
  Serve();
  EXPECT_EQ(Ask("/css/x.css").body, "body {}");
}

TEST_F(FilesTest, NamesAreTakenDecoded) {
  EXPECT_EQ(Ask("/docs/a b\xc3\xa4.txt", {}, "GET", "/docs/a%20b%C3%A4.txt").body, "name");
  site_.Write("new\nline", "n");
  EXPECT_EQ(Ask("/new\nline", {}, "GET", "/new%0Aline").body, "n");
  site_.Write("50%", "p");
  EXPECT_EQ(Ask("/50%", {}, "GET", "/50%25").body, "p");
  EXPECT_EQ(Ask("//css///x.css").body, "body {}") << "empty segments are ignored";
}

// Whatever the target contains, nothing outside of the root is found.
TEST_F(FilesTest, NothingOutsideOfTheRootIsServed) {
  test::TempFolder outside;
  outside.Write("secret", "secret");
  site_.Link("out", outside.path());
  site_.Link("secret", outside.At("secret"));
  site_.Fifo("fifo");
  site_.Write("a%2Fb", "odd");
  const std::string name = outside.path().filename().string();
  const std::vector<std::pair<std::string, std::string>> targets{
      {"/../" + name + "/secret", ""},
      {"/css/../../" + name + "/secret", ""},
      {"/..", ""},
      {"/.", ""},
      {"/css/..", ""},
      {"/css/./x.css", ""},
      {outside.At("secret"), ""},
      {"/" + outside.At("secret"), ""},
      {"///etc/passwd", ""},
      {"/..%2F" + name + "%2Fsecret", ""},
      {"/..%2f..%2f..%2fetc%2fpasswd", ""},
      {"/..\\..\\etc\\passwd", "/..%5C..%5Cetc%5Cpasswd"},
      {"/css\\x.css", "/css%5Cx.css"},
      {"/a%2Fb", ""},
      {"/css%2Fx.css", ""},
      {"/ten.txt%00.html", ""},
      {std::string("/ten.txt\0.html", 14), "/ten.txt"},
      {"/ten.txt.", ""},
      {"/ten.txt ", "/ten.txt%20"},
      {"/ten.txt::$DATA", ""},
      {"/TEN.TXT", ""},
      {"/out/secret", ""},
      {"/out/", ""},
      {"/secret", ""},
      {"/fifo", ""},
      {"/" + std::string(300, 'n'), ""},
      {"/" + std::string(70'000, 'n'), ""},
  };
  for (const auto& [path, raw] : targets) {
    const http::Response answer = Ask(path, {}, "GET", raw);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(answer.body, "not found\n") << path;
  }
}

TEST_F(FilesTest, HiddenNamesAreNotFoundButWellKnownOnes) {
  site_.Write(".env", "secret");
  site_.Write(".git/config", "secret");
  site_.Write("docs/.hidden", "secret");
  site_.Write("docs/.well-known/x", "secret");
  site_.Write(".well-known/acme-challenge/token", "proof");
  site_.Write(".well-known/.secret", "secret");
  for (const std::string path : {"/.env", "/.git/config", "/.git", "/docs/.hidden",
                                 "/docs/.well-known/x", "/.well-known/.secret"}) {
    EXPECT_EQ(Status(path), 404) << path;
  }
  EXPECT_EQ(Ask("/.well-known/acme-challenge/token").body, "proof");
  Serve("{ root: ., dotfiles: true }");
  EXPECT_EQ(Ask("/.env").body, "secret");
  EXPECT_EQ(Ask("/docs/.hidden").body, "secret");
  EXPECT_EQ(Status("/.."), 404);
}

TEST_F(FilesTest, WhenDescriptorsRunOutTheClientMayComeAgain) {
  Serve();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const http::Response answer = Ask("/ten.txt");
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(ValueOf(answer, "retry-after"), "1");
  EXPECT_EQ(Status("/ten.txt"), 200);
}

TEST_F(FilesTest, ConditionsAreKept) {
  Serve("{ root: ., cache_control: \"max-age=60\" }");
  const std::string tag = ValueOf(Ask("/ten.txt"), "etag");
  const http::Response unchanged = Ask("/ten.txt", {{"If-None-Match", tag}});
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.body, "");
  EXPECT_EQ(ValueOf(unchanged, "etag"), tag);
  EXPECT_EQ(ValueOf(unchanged, "last-modified"), kDate);
  EXPECT_EQ(ValueOf(unchanged, "cache-control"), "max-age=60");
  EXPECT_EQ(ValueOf(unchanged, "content-type"), "(none)");
  EXPECT_EQ(Status("/ten.txt", {{"If-Modified-Since", std::string(kDate)}}), 304);
  const http::Response failed = Ask("/ten.txt", {{"If-Match", "\"other\""}});
  EXPECT_EQ(failed.status, 412);
  EXPECT_EQ(ValueOf(failed, "etag"), tag);
  EXPECT_EQ(ValueOf(failed, "cache-control"), "(none)");
  site_.Write("ten.txt", "9876543210", 1'600'000'001);
  EXPECT_EQ(Status("/ten.txt", {{"If-None-Match", tag}}), 200);
}

TEST_F(FilesTest, OneRangeIsAPart) {
  const std::vector<std::tuple<std::string, std::string, std::string>> cases{
      {"bytes=0-3", "0123", "bytes 0-3/10"},
      {"bytes=9-", "9", "bytes 9-9/10"},
      {"bytes=-3", "789", "bytes 7-9/10"},
      {"bytes=0-", "0123456789", "bytes 0-9/10"},
      {"bytes=2-2,50-", "2", "bytes 2-2/10"}};
  for (const auto& [range, body, content_range] : cases) {
    const http::Response part = Ask("/ten.txt", {{"Range", range}});
    EXPECT_EQ(part.status, 206) << range;
    EXPECT_EQ(part.body, body) << range;
    EXPECT_EQ(ValueOf(part, "content-range"), content_range);
    EXPECT_EQ(ValueOf(part, "content-type"), "text/plain; charset=utf-8");
    EXPECT_NE(ValueOf(part, "etag"), "(none)");
  }
}

TEST_F(FilesTest, ARangePastTheEndIs416) {
  Serve("{ root: ., cache_control: immutable }");
  const http::Response answer = Ask("/ten.txt", {{"Range", "bytes=10-"}});
  EXPECT_EQ(answer.status, 416);
  EXPECT_EQ(ValueOf(answer, "content-range"), "bytes */10");
  EXPECT_EQ(ValueOf(answer, "cache-control"), "(none)") << "a cached one would replace the file";
  EXPECT_EQ(Status("/empty.txt", {{"Range", "bytes=0-"}}), 416);
  EXPECT_EQ(Status("/empty.txt"), 200);
}

TEST_F(FilesTest, ARangeThatIsNoneIsIgnored) {
  EXPECT_EQ(Status("/ten.txt", {{"Range", "bytes=4-3"}}), 200);
  EXPECT_EQ(Status("/ten.txt", {{"Range", "lines=0-1"}}), 200);
  EXPECT_EQ(Status("/ten.txt", {{"Range", "bytes=0-1"}, {"Range", "bytes=0-1"}}), 200);
  EXPECT_EQ(Status("/ten.txt", {{"Range", "bytes=0-5,3-7"}}), 200);
}

TEST_F(FilesTest, IfRangeGivesThePartOfTheSameFileAndElseTheWholeOne) {
  const std::string tag = ValueOf(Ask("/ten.txt"), "etag");
  const auto ask = [&](const std::string& condition) {
    return Status("/ten.txt", {{"Range", "bytes=0-3"}, {"If-Range", condition}});
  };
  EXPECT_EQ(ask(tag), 206);
  EXPECT_EQ(ask(std::string(kDate)), 206);
  EXPECT_EQ(ask("\"other\""), 200);
  EXPECT_EQ(ask("W/" + tag), 200);
  EXPECT_EQ(ask("Sun, 13 Sep 2020 12:26:41 GMT"), 200);
  EXPECT_EQ(Status("/ten.txt", {{"Range", "bytes=10-"}, {"If-Range", "\"other\""}}), 200);
  EXPECT_EQ(Status("/ten.txt", {{"Range", "bytes=10-"}, {"If-Range", tag}}), 416);
}

TEST_F(FilesTest, SeveralRangesAreAMultipart) {
  const http::Response answer = Ask("/ten.txt", {{"Range", "bytes=-2, 0-2"}});
  EXPECT_EQ(answer.status, 206);
  EXPECT_EQ(ValueOf(answer, "content-range"), "(none)");
  const std::string type = ValueOf(answer, "content-type");
  const std::string opening = "multipart/byteranges; boundary=";
  ASSERT_TRUE(type.starts_with(opening)) << type;
  const std::string line = "--" + type.substr(opening.size());
  EXPECT_EQ(line.size(), 34u);
  const std::string kind = "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ";
  EXPECT_EQ(answer.body, line + kind + "8-9/10\r\n\r\n89\r\n" + line + kind +
                             "0-2/10\r\n\r\n012\r\n" + line + "--\r\n");
  EXPECT_EQ(length_, answer.body.size());
  EXPECT_NE(ValueOf(Ask("/ten.txt", {{"Range", "bytes=-2, 0-2"}}), "content-type"), type)
      << "a different boundary for each response";
}

class PrecompressedTest : public FilesTest {
 protected:
  PrecompressedTest() {
    site_.Write("app.js", "0123456789");
    site_.Write("app.js.gz", "gzipped");
    site_.Write("app.js.br", "brotli");
    site_.Write("only.css", "css");
    site_.Write("only.css.gz", "css gzipped");
    site_.Write("orphan.js.gz", "orphan");
  }
  http::Response AskFor(const std::string& path, const std::string& accept,
                        http::Headers headers = {}) {
    if (!instance_) Serve("{ root: ., precompressed: true }");
    headers.Add("Accept-Encoding", accept);
    return Ask(path, std::move(headers));
  }
};

TEST_F(PrecompressedTest, TheBestEncodingThatTheClientTakesIsServed) {
  const http::Response br = AskFor("/app.js", "gzip, br");
  EXPECT_EQ(br.body, "brotli");
  EXPECT_EQ(ValueOf(br, "content-encoding"), "br");
  EXPECT_EQ(ValueOf(br, "content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(ValueOf(br, "vary"), "Accept-Encoding");
  const http::Response gzip = AskFor("/app.js", "gzip, br;q=0.5");
  EXPECT_EQ(gzip.body, "gzipped");
  EXPECT_EQ(ValueOf(gzip, "content-encoding"), "gzip");
  const http::Response plain = AskFor("/app.js", "identity");
  EXPECT_EQ(plain.body, "0123456789");
  EXPECT_EQ(ValueOf(plain, "content-encoding"), "(none)");
  EXPECT_EQ(ValueOf(plain, "vary"), "Accept-Encoding");
  EXPECT_NE(ValueOf(plain, "etag"), ValueOf(gzip, "etag"));
  EXPECT_NE(ValueOf(br, "etag"), ValueOf(gzip, "etag"));
  EXPECT_EQ(AskFor("/only.css", "br, gzip").body, "css gzipped");
  EXPECT_EQ(AskFor("/ten.txt", "br, gzip").body, "0123456789");
  EXPECT_EQ(ValueOf(AskFor("/ten.txt", "br, gzip"), "vary"), "Accept-Encoding");
}

TEST_F(PrecompressedTest, EncodingsAreOfFilesThatAreThereAndNotOlder) {
  EXPECT_EQ(AskFor("/orphan.js", "gzip").status, 404);
  EXPECT_EQ(AskFor("/orphan.js.gz", "gzip").body, "orphan");
  EXPECT_EQ(ValueOf(AskFor("/orphan.js.gz", "gzip"), "content-type"), "application/gzip");
  site_.SetModified("app.js", 1'600'000'001);
  EXPECT_EQ(AskFor("/app.js", "gzip, br").body, "0123456789") << "made from an older version";
  site_.SetModified("app.js.gz", 1'600'000'002);
  EXPECT_EQ(AskFor("/app.js", "gzip, br").body, "gzipped");
}

TEST_F(PrecompressedTest, ConditionsAndRangesAreAboutTheEncodedFile) {
  const std::string br = ValueOf(AskFor("/app.js", "br"), "etag");
  const std::string plain = ValueOf(AskFor("/app.js", ""), "etag");
  EXPECT_EQ(AskFor("/app.js", "br", {{"If-None-Match", br}}).status, 304);
  EXPECT_EQ(ValueOf(AskFor("/app.js", "br", {{"If-None-Match", br}}), "vary"), "Accept-Encoding");
  EXPECT_EQ(AskFor("/app.js", "br", {{"If-None-Match", plain}}).status, 200);
  const http::Response part = AskFor("/app.js", "br", {{"Range", "bytes=0-2"}, {"If-Range", br}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "bro");
  EXPECT_EQ(ValueOf(part, "content-range"), "bytes 0-2/6");
  EXPECT_EQ(ValueOf(part, "content-encoding"), "br");
  EXPECT_EQ(AskFor("/app.js", "", {{"Range", "bytes=0-2"}, {"If-Range", br}}).body, "0123456789")
      << "not ranges of two encodings";
  const http::Response several = AskFor("/app.js", "br", {{"Range", "bytes=0-0,2-2"}});
  EXPECT_EQ(several.status, 200);
  EXPECT_EQ(several.body, "brotli");
}

TEST_F(PrecompressedTest, IsOffUnlessAskedFor) {
  Serve();
  const http::Response answer = AskFor("/app.js", "gzip, br");
  EXPECT_EQ(answer.body, "0123456789");
  EXPECT_EQ(ValueOf(answer, "vary"), "(none)");
}

TEST_F(FilesTest, AFallbackIsForPagesAndNothingElse) {
  Serve("{ root: ., fallback: index.html }");
  const http::Headers browser{{"Accept", "text/html,*/*;q=0.8"}};
  for (const std::string path : {"/users/7", "/users/7/", "/bare/", "/ten.txt/"}) {
    const http::Response page = Ask(path, browser);
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_EQ(page.body, "<h1>home</h1>");
    EXPECT_EQ(ValueOf(page, "content-type"), "text/html; charset=utf-8");
    EXPECT_EQ(ValueOf(page, "vary"), "Accept");
  }
  const http::Response script = Ask("/gone.js", {{"Accept", "*/*"}});
  EXPECT_EQ(script.status, 404);
  EXPECT_EQ(ValueOf(script, "vary"), "Accept");
  EXPECT_EQ(Status("/users/7"), 404);
  EXPECT_EQ(Status("/.env", browser), 404);
  EXPECT_EQ(Status("/..%2Fx", browser), 404);
  EXPECT_EQ(Ask("/ten.txt", browser).body, "0123456789");
  EXPECT_EQ(Status("/docs", browser), 301);
  std::filesystem::remove(site_.path() / "index.html");
  EXPECT_EQ(Status("/users/7", browser), 404);
}

TEST_F(FilesTest, ContentTypesAndCacheControlAreTheRoutes) {
  site_.Write("a.md", "# a");
  Serve(
      "{ root: ., cache_control: \"public, max-age=3600\", content_types: { .md: text/plain, TXT: "
      "text/x-log } }");
  EXPECT_EQ(ValueOf(Ask("/a.md"), "content-type"), "text/plain");
  EXPECT_EQ(ValueOf(Ask("/ten.txt"), "content-type"), "text/x-log");
  EXPECT_EQ(ValueOf(Ask("/ten.txt"), "cache-control"), "public, max-age=3600");
  EXPECT_EQ(ValueOf(Ask("/nothing"), "cache-control"), "(none)");
}

TEST_F(FilesTest, TheRootMayBeRelativeToTheConfigurationOrAbsolute) {
  Serve("{ root: docs }");
  EXPECT_EQ(Ask("/").body, "docs");
  Serve("{ root: \"" + site_.At("css") + "\" }");
  EXPECT_EQ(Ask("/x.css").body, "body {}");
  Serve("{ root: css/../docs/ }");
  EXPECT_EQ(Ask("/").body, "docs");
}

TEST_F(FilesTest, WrongOptionsAreNamedWithWhatWouldBeRight) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{}", "options.root: missing; needs the path of the folder"},
      {"{ root: nothing }",
       "/nothing: No such file or directory; name a folder that this process may read"},
      {"{ root: ten.txt }", "/ten.txt: Not a directory"},
      {"{ root: [ a ] }", "options.root: is a list"},
      {"{ root: ., index: docs/index.html }",
       "options.index: 'docs/index.html' is not the name of a file"},
      {"{ root: ., index: .. }", "options.index: '..' is not the name of a file"},
      {"{ root: ., fallback: gone.html }", "options.fallback: 'gone.html' does not exist"},
      {"{ root: ., fallback: docs }", "options.fallback: 'docs' does not exist"},
      {"{ root: ., fallback: ../x }",
       "options.fallback: '../x' is not the path of a file inside of root"},
      {"{ root: ., fallback: docs/ }",
       "options.fallback: 'docs/' is not the path of a file inside of root"},
      {"{ root: ., cache_control: \"a\\nb\" }",
       "options.cache_control: 'a\\x0ab' is not the value of a Cache-Control header"},
      {"{ root: ., cache_control: \"\" }", "options.cache_control: '' is not the value"},
      {"{ root: ., content_types: { md: text } }",
       "options.content_types.md: 'text' is not a media type such as text/plain"},
      {"{ root: ., content_types: { md: \"a/b\\r\\nX: y\" } }", "is not a media type"},
      {"{ root: ., content_types: { tar.gz: a/b } }",
       "options.content_types.tar.gz: is not a file extension"},
      {"{ root: ., content_types: [] }", "options.content_types: is a list"},
      {"{ root: ., precompressed: 1 }", "options.precompressed: '1' is not true or false"},
      {"{ root: ., cache: no }", "options.cache: unknown key"},
      {"{ root: ., dotfile: true }", "options.dotfile: unknown key; did you mean 'dotfiles'?"},
  };
  for (const auto& [options, error] : cases) {
    errors_.clear();
    EXPECT_EQ(Make("files", options), nullptr) << options;
    EXPECT_THAT(Errors(), HasSubstr(error)) << options;
    EXPECT_EQ(errors_.size(), 1u) << Errors();
  }
}

TEST_F(FilesTest, AFallbackMayBeWrittenAsAPathOfTheSite) {
  Serve("{ root: ., fallback: /docs/./index.html }");
  EXPECT_EQ(Ask("/nothing", {{"Accept", "text/html"}}).body, "docs");
}

}  // namespace
}  // namespace upgate::plugins
