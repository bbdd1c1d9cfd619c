// How far a student's distribution over the vocabulary is from a teacher's, and the gradient, from the logits of some
// rows. A row's bits do not depend on the other rows.
#pragma once
#include "kernels/kernel.h"

namespace maru::kernels {

/// loss += scale · Σ row weight · D over rows with a target, of S = softmax(student / temperature) and
/// T = softmax(teacher / temperature):
///
///   0 < beta < 1   D = beta · KL(T ‖ M) + (1 - beta) · KL(S ‖ M), M = (1 - beta) · S + beta · T
///   beta = 0       D = KL(T ‖ S)
///   beta = 1       D = KL(S ‖ T)
///
/// and to each D next_token · −log softmax(student)[target] is added. A token that only one of the vocabularies has is
/// left out of both distributions of D, but not of the softmax of next_token. With gradients, student becomes the
/// gradient of loss. dD/dS is p · (g − Σ p · g) / temperature with g = (1 - beta) · log(S / M), log(S / T) or −T / S.
///
/// Shapes   student [rows, student_vocab]; teacher [rows, teacher_vocab], which is used up; targets, row_weights,
///          token_loss [rows]; loss [1].
/// Types    T = float or double.
/// Source   Agarwal et al. 2024 (GKD), arXiv:2306.13649, eq. 1.
template <class T>
struct Divergence {
  T* loss;        // added to, rows in ascending order
  T* token_loss;  // of each row, unscaled and unweighted; 0 where there is no target
  T* student;     // behind the soft cap, where there is one; the gradient is that of the logits before it
  T* teacher;
  const int32_t* targets;  // in [0, student_vocab), or negative: the row does not count
  int64_t rows, student_vocab, teacher_vocab;
  double beta, temperature, next_token, scale;
  bool gradients;
  double softcap = 0;              // of the student's; 0: off
  const T* row_weights = nullptr;  // of any sign; null: 1
};

template <class T>
void divergence(CpuStream& stream, const Divergence<T>& a);

/// The same for one instruction set.
template <Isa kIsa>
void divergence(ThreadPool& pool, const Divergence<float>& a);

}  // namespace maru::kernels
