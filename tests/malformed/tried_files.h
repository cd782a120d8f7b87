#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

namespace sidenet::testing {

/// Files that the test case at hand has given to a reader so far.
inline int tried_files = 0;

/// With SIDENET_COUNT_FILES set, tells after each test case how many bad files it has tried.
struct TriedFilesListener : doctest::IReporter {
  explicit TriedFilesListener(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData& data) override {
    name = data.m_name;
    tried_files = 0;
  }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {
    if (std::getenv("SIDENET_COUNT_FILES") != nullptr)
      std::printf("%6d files: %s\n", tried_files, name);
  }
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
  const char* name = "";
};

}  // namespace sidenet::testing

REGISTER_LISTENER("tried_files", 1, sidenet::testing::TriedFilesListener);
