/* Blocks of documents that tests run: what stands between the fences behind the line
 * <!-- run by TEST: NAME -->, TEST being the test's file. tests/checks/snippets.sh sees that
 * every block is some test's, or a file's. */
#ifndef WEIR_TESTS_SNIPPET_H
#define WEIR_TESTS_SNIPPET_H

#include <string>

namespace e2e
{

/* A document without that block fails the test. */
std::string snippet(const std::string &document, const std::string &test, const std::string &name);

} // namespace e2e

#endif
