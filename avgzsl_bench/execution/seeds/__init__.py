"""Many seeds of a method at once: their networks stacked, one step of all for one step of each.

What a method must keep to, and announces with `seeds_together = True`:

- it is a `TorchMethod` with the `train_step`, `train_epoch`, `after_validation` and `learning_rate` of that class;
- `losses` and `after_step` are functions of parameters, buffers and the batch, change no state but the module's,
  read no number on the host (`.item()`, `if tensor`), and run under `torch.func.vmap`;
- dropout, by `avgzsl_bench.Dropout` or `torch.nn.functional.dropout`, is the only thing in them that is random;
- nothing but parameters and buffers differs from seed to seed;
- its optimiser is SGD, Adam or AdamW, whose change of a number depends on that number's own history alone and is
  proportional to the learning rate.

A seed has a sampling stream, a dropout stream, batch statistics, a learning rate, an epoch selection and a bias of
its own. It sees the same batches together and alone, on the CPU the same dropout masks too; what differs is the
order of sums inside matrix products. `TOLERANCE` bounds the effect.
"""
