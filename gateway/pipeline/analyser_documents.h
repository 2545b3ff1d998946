#pragma once
// Texts of a call as documents for an analyser: short ones together, long ones in pieces, and back. Pure.
#include <string>
#include <vector>

#include "gateway/pipeline/analyser_api.h"

namespace tollgate::pipeline {

// A stretch of a text that stands in a document.
struct Part {
  std::size_t index;  // of the text
  std::size_t from;   // in the text; these are bytes
  std::size_t at;     // in the document
  std::size_t length;
  bool last;  // nothing more of the text follows
};

// What goes into one request.
struct Batch {
  Documents documents;
  std::vector<std::vector<Part>> parts;  // parallel to documents
};

// Texts at these indices, in order. Blank ones are left out: nobody is asked about them. A text over the limits is cut
// between paragraphs, lines, sentences or words, in this order, and two pieces share some bytes, so that a name is
// whole in one of them. REQUIRES: valid UTF-8; limits of at least 1 KiB
std::vector<Batch> batches(const std::vector<std::string>& texts, const std::vector<std::size_t>& indices,
                           const DocumentLimits& limits);

// What was found in a document, as findings in the texts: `found` is by index of the text. What reaches from one text
// into the next is one of each.
void share_out(const std::vector<Part>& parts, const std::vector<pii::Finding>& in_document,
               std::vector<std::vector<pii::Finding>>& found);

// Of findings of one type that overlap, the whole stretch with the highest score: a piece's border may have cut one.
std::vector<pii::Finding> united(std::vector<pii::Finding> findings);

}  // namespace tollgate::pipeline
