"""From an experiment to its record: build, train, judge, write down; stopped at any time, go on."""

import functools
import random
import time

from helpers import data, models
import keras
import numpy as np
import tensorflow as tf

from study import datasets, fast, files, networks, penalties, records, rescaled, rivals
from study.experiment import Experiment
from study.journal import Epoch, Journal, judged_latents
from study.settings import live_results


def build(experiment):
    """Return the untrained `GAN` of an experiment, its weights drawn from the seed."""
    seeds = random.Random(experiment.seed)  # its own: a cluster worker's other threads draw from the global one
    pair = networks.build(experiment.network, seeds, experiment.regularizer, experiment.image_shape)
    generator, discriminator = map(fast.accelerate, pair)
    images = functools.partial(training_images, experiment)
    penalty = penalties.build(experiment, discriminator, images)
    gan = rescaled.build(experiment.penalty)(
        generator,
        discriminator,
        experiment.moment_weight,
        penalty,
        discriminator_penalty=rivals.regularizer(experiment.regularizer, experiment.regularizer_weight),
        adversarial_weight=rivals.adversarial_weight(experiment.penalty),
    )
    rates = experiment.learning_rate, experiment.discriminator_rate or experiment.learning_rate
    optimizers = [fast.build_optimizer(rate, experiment.beta_1) for rate in rates]
    gan.compile(*optimizers, steps_per_execution=experiment.steps_per_execution)
    return gan


def training_images(experiment):
    """The images that an experiment trains on, float32 (train_images, *image_shape) in [-1, 1]; read-only."""
    return datasets.train_images(experiment.data, experiment.train_images)


def run(experiment, results=None, callbacks=(), verbose="auto"):
    """Train, judge and record; or return the record, if this run has one.

    A run that was stopped resumes after its last finished epoch and ends with the same bits as an
    uninterrupted one: on a CPU, with the same versions, instructions and threads (`machine.BITS`);
    under others it refuses to go on. A loss that is not finite ends it as a failed run, on record.
    Of several processes that run the same one trains, and the others wait and read its record.

    Args:
        experiment: the `Experiment`.
        results: folder of records; without one, the reader's own (`settings.live_results`).
        callbacks: Keras callbacks to add.
        verbose: as in `fit`: 0 is silent, 1 a progress bar.

    Returns:
        The `records.Record`.

    Raises:
        OSError: the results folder cannot be written, or its disk is full.
        records.RecordError: a damaged record stands where this one would.
        ValueError: the record there belongs to an experiment with other settings, or an unfinished
            run began on another machine.
    """
    folder = experiment.folder(results or live_results())
    journal = Journal(experiment, folder.with_name(f".partial-{experiment.name}-{experiment.digest}"))
    if folder.exists() and not journal.folder.exists():
        return _recorded(experiment, folder)
    files.check_writable(folder.parent)
    with files.only_writer(folder):
        files.remove_drafts(folder)
        if not folder.exists():
            _train(experiment, journal, callbacks, verbose)
            records.write(folder, journal.record())
        record = _recorded(experiment, folder)
        journal.remove()
    return record


def _train(experiment, journal, callbacks, verbose):
    gan = build(experiment)
    variables = state(gan)
    journal.open(sum(np.asarray(variable).nbytes for variable in variables))
    done = journal.resume(variables)
    if journal.failed or done == experiment.epochs:
        return
    gan.fit(
        batches(experiment, done),
        initial_epoch=done,
        epochs=experiment.epochs,
        steps_per_epoch=experiment.steps_per_epoch,
        callbacks=[*callbacks, _Recorder(experiment, journal, variables)],
        verbose=verbose,
        shuffle=False,  # `Batches` has its own order; Keras would shuffle its batches
    )


def batches(experiment, first_epoch=0):
    """What `fit` is fed with: batches as `data.Batches` makes them, from `first_epoch` on, counted from 0.

    Steps that are taken together are fed by TensorFlow itself, since Python would have to be asked for each.
    """
    images, size, seed = training_images(experiment), experiment.batch_size, experiment.seed
    if experiment.steps_per_execution == 1:
        return data.Batches(images, size, seed, first_epoch, experiment.image_shape)
    count, pixels = experiment.steps_per_epoch * size, tf.constant(images)

    def plan(epoch):
        order, latents = tf.numpy_function(
            lambda number: data.plan_epoch(len(images), size, seed, int(number)), [epoch], (tf.int64, tf.float32)
        )
        drawn = tf.ensure_shape(order, (count,)), tf.ensure_shape(latents, (count, models.LATENT_DIM))
        return tf.data.Dataset.from_tensor_slices(drawn).batch(size)

    epochs = tf.data.Dataset.range(first_epoch, experiment.epochs).flat_map(plan)
    return epochs.map(lambda order, latents: (tf.gather(pixels, order), latents)).prefetch(2)


def state(gan):
    """All variables that a step of a GAN changes, or starts from, in a fixed order."""
    optimizers = [value for value in vars(gan).values() if isinstance(value, keras.optimizers.Optimizer)]
    owned = [*gan.variables, *(variable for optimizer in optimizers for variable in optimizer.variables)]
    return list({id(variable): variable for variable in owned}.values())


def _recorded(experiment, folder):
    record = records.read(folder)
    found = Experiment.from_config(record.config)
    if found != experiment:
        raise ValueError(
            f"Record {folder}: expected the settings {experiment}, found {found}. "
            "Mend it by naming another results folder."
        )
    return record


class _Recorder(keras.callbacks.Callback):
    """Writes a run's journal: after each epoch what was seen in it, and the weights to resume from."""

    def __init__(self, experiment, journal, variables):
        super().__init__()
        self.experiment, self.journal, self.variables = experiment, journal, variables
        self._judged_latents = judged_latents(experiment)
        self._grid_latents = data.fixed_latents(experiment.grid_images)
        self._frame_at = set(experiment.frame_steps)

    def on_epoch_begin(self, epoch, logs=None):
        """Start an epoch's log, and give dropout the noise of (seed, epoch)."""
        self._clock = time.perf_counter()
        self._log = Epoch(self.experiment, epoch)
        if epoch == 0:
            self._keep_frame_at(0)
        for network in (self.model.generator, self.model.discriminator):
            for layer in network.layers:
                if isinstance(layer, keras.layers.Dropout):  # a network has one at most
                    layer.seed_generator.state.assign(data.dropout_state(self.experiment.seed, epoch))

    def on_train_batch_end(self, batch, logs=None):
        """Log a step, the last of those taken together; stop at a loss that is not finite."""
        self._log.add_step(logs)
        self._keep_frame_at(self._log.number * self.experiment.steps_per_epoch + batch + 1)
        self._stop_if_failed()

    def on_epoch_end(self, epoch, logs=None):
        """Judge the generator and write the epoch down."""
        self._log.row["seconds"] = time.perf_counter() - self._clock
        if self.experiment.is_judged(epoch + 1):
            self._log.judge(self._generate(self._judged_latents))
        self._stop_if_failed()
        self.journal.add(self._log, self.variables, time.perf_counter() - self._clock)

    def _keep_frame_at(self, step):
        if step in self._frame_at and not self._log.failed:
            judged = self._judged_latents[: self.experiment.frame_images]
            self._log.add_frame(self._generate(self._grid_latents), self._generate(judged))
            self._stop_if_failed()

    def _stop_if_failed(self):
        self.model.stop_training = self.model.stop_training or bool(self._log.failed)

    def _generate(self, latents):
        """Images of the generator as it is."""
        if not len(latents):
            return np.empty((0, *self.experiment.image_shape), np.float32)
        return self.model.generator.predict(latents, batch_size=500, verbose=0)
