<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="ru" sourcelanguage="en">
  <context>
    <name>AboutDialog</name>
    <message>
      <source>About Gemma MLX</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Fine-tune and run Google’s Gemma on your own Mac. Everything stays on this machine.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Licences</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Version {version}</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Banner</name>
    <message>
      <source>Dismiss this message</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Dismiss</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>To mend it: {fix}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Kept: {kept}</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Chart</name>
    <message>
      <source>Wheel or pinch: zoom. Drag: move. Double click: show all.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Step {step}</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>CodeBlock</name>
    <message>
      <source>Code</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Copy</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Copy this code</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>code</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Copied</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>CompareView</name>
    <message>
      <source>Training loss, smoothed</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Validation loss</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Comparison</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>What differs</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The first {count} of the chosen runs are shown.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The settings are the same.</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>ConfigForm</name>
    <message>
      <source>Advanced</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Must be more than {gt}.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Must be at least {ge}.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Must be less than {lt}.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Must be at most {le}.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Must be a number.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Must be a whole number.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Automatic</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>One a line</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Separated by commas</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>DatasetsPage</name>
    <message>
      <source>Looking through the dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Open a Dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Datasets ({patterns})</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Open…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Recent</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Fine-Tune with This</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Datasets</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Drop a file here: JSON lines, JSON, CSV, Parquet or plain text. You will see every row as the model sees it, and which of its words are learned.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Open a File…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Open the Demo Dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>No dataset is open</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rows of the dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Tokens</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Learned</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rows</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Problems</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rows that cannot be used</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Leave these rows out and use the rest</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>No problems</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Every row that was looked at can be used.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>What the model learns from</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{path} · {size} · {rows} rows</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>It is not clear what the columns mean</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Choose a format and say which column is what, beside the rows.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{count} rows cannot be used</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Mend them in the file and open it again, or leave them out of the training.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Leave Them Out</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Show Them</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>There is nothing to learn in this dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>See the problems, or choose another format or other columns.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rows ({count})</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Problems ({count})</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{count} rows cannot be used.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The first {count} are listed.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Try Again</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The dataset’s worker does not answer</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>It may be swapping memory. Wait, or open the dataset again.</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Details</name>
    <message>
      <source>Select a model to see what it is.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Chat</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Fine-Tune</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Quantize…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Merge into Base…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Move to Trash</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>This model cannot be used: {problem}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>There is no tokenizer in this folder, so it cannot read or write text.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Copy tokenizer.json or tokenizer.model of this model into the folder.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Folder</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rank</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Trained in</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Generation</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Size</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Weights</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Context</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{count} tokens</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Memory to chat</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>From</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>On disk</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Gemma MLX’s folder</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Hugging Face cache</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Comes with the app</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Another folder</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>FinetunePage</name>
    <message>
      <source>Fine-tune</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Teach a model from examples</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>New Run</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Writing a model</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>There is no model to teach yet</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Fine-tuning begins with a Gemma on this computer. Import one, then come back here.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Go to Models</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The run {name} is training.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Runs</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Runs appear here. Select several to compare their curves.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Resume</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The training does not answer</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>It may be swapping memory, or stopped. Checkpoints are safe; wait, or stop it.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Merge into Base</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Name of the new model:</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Export into Which Folder?</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>FinetunePresenter</name>
    <message>
      <source>This run cannot go on: its run.json cannot be read.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Start a new run.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{name} cannot be moved to the trash.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Delete the folder in the Finder.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{name} is in the trash</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Starting</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The training is done</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The training was stopped; what was learned is kept</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The training is paused</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{name}: step {step}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The training ended with an error</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{name} is written</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>It cannot be put back: {reason}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Take it out of the trash in the Finder.</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Formats</name>
    <message>
      <source>Detect automatically</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Prompt and answer</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Chat messages</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Instruction (Alpaca)</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Conversations (ShareGPT)</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Preferences</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Plain text</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Prompt</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Answer</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>System text</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Messages</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Instruction</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Input</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Conversations</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Preferred answer</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rejected answer</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Text</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Inspector</name>
    <message>
      <source>Lengths</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>How it is read</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Its tokenizer counts tokens, its chat template lays the rows out</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Model</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Format</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>What is learned</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{train} rows to train, {valid} to validate</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Median {median}, 95 % below {most}, longest {longest} tokens. {share} of the tokens are learned.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{count} rows are cut at {limit} tokens.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{count} rows are copies of others.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Lengths are estimates: choose a model to count with its tokenizer.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Lengths were measured on {count} rows.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>None</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Choose…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>No model: lengths are estimated</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Job</name>
    <message>
      <source>The checkpoint of step {step} is safe on disk.</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>LengthHistogram</name>
    <message>
      <source>Lengths of {count} examples, median {median}, longest {longest} tokens</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>tokens</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{count} with {first} to {last} tokens</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>MainWindow</name>
    <message>
      <source>The diagnostics are on the clipboard</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Models</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Datasets</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Fine-tune</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Chat</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Something is still running</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>If you quit, it stops with a checkpoint and can be resumed later.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Stop and Quit</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Keep Running</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Undo</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;File</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;New</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;Stop</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;Close Window</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;Settings…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;Quit Gemma MLX</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;View</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;Full Screen</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;Window</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;Minimize</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;Help</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Copy &amp;Diagnostics</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>&amp;About Gemma MLX</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>ModelListModel</name>
    <message>
      <source>Cannot be used</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Adapter, rank {rank}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Adapter</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>ModelsPage</name>
    <message>
      <source>Import…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Copy a model’s folder into the app</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Models</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Choose a model’s folder</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>A model is being written.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Models and adapters</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Drop the folder of a Gemma model here: the one that holds config.json and the .safetensors files. Models in the Hugging Face cache appear by themselves.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Import a Folder…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Look Again</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>No models yet</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Progress</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Stop</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Merge into Base</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Name of the new model:</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>ModelsPresenter</name>
    <message>
      <source>This folder holds no model: there is no config.json in it.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Choose the folder that holds config.json and the .safetensors files.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{name} cannot be moved to the trash.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Delete the folder in the Finder.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Nothing was deleted.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{name} is in the trash</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>It cannot be put back: {reason}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Take it out of the trash in the Finder.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>It is in the trash.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Another model is being written.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Wait until it is done, or stop it.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Starting</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Stopped. Nothing was written.</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>ProblemsModel</name>
    <message>
      <source>Line</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>What is wrong</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>File</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Prose</name>
    <message>
      <source>Text</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>QuantizeDialog</name>
    <message>
      <source>Quantize {name}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>A quantized copy is smaller and faster, a little less exact. The model itself stays as it is.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Name of the copy</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Name of the copy:</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Quantize</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Measuring…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{before} becomes {after}, {bits} bits a weight</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Weights are off by {percent} on average (measured on the middle layer).</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>RowView</name>
    <message>
      <source>The row as the model sees it</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>learned</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>read only</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>control token</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>cut off</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{tokens} tokens, {learned} of them learned</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{count} cut off at the longest row</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>RowsModel</name>
    <message>
      <source>Row</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Text</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Tokens</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Learned</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Note</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Cut</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Validation</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{count} examples</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>RunView</name>
    <message>
      <source>step {step} of {steps}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Progress of the run</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Pause</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Stop and Keep</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>End now; what was learned becomes the run’s adapter</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Resume</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Chat with It</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Merge…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Write base and adapter as one model of the library</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Export…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Write base and adapter as one model into a folder</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Duplicate Settings</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Move to Trash</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>More</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Loss</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Learning rate</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Tokens per second</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Memory (GB)</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The curves begin with the first step.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Samples</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Step of the samples</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Notes</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>What you tried, and what came of it</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{done} of {total}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>about {time} left</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Each step</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Training</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Validation</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Step {step}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Before</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Runs</name>
    <message>
      <source>Starting</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Running</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Pausing…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Stopping…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Finished</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Stopped</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Paused</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Failed</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Interrupted</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Cannot be read</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>RunsModel</name>
    <message>
      <source>step {step} of {steps}</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Settings</name>
    <message>
      <source>Answers only</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>All text</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Refuse the dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Leave them out</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Supervised answers (SFT)</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Preferences (DPO)</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Preferences (ORPO)</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Adapter (LoRA)</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>All weights</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Linear</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Cosine</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Constant</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Automatic</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Packed</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Padded</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Affine</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Modules</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Linear modules to adapt, by name, or all-linear for all seven of a block.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Adapter</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rank</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rank r of the adapter: more learns more and takes more memory.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Alpha</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The update is scaled by alpha / r.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Dropout</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Share of the adapter's inputs that are dropped in training.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rank-stabilized scale</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Scale by alpha / sqrt(r) (rsLoRA), which lets high ranks learn.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>DoRA</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Learn direction and magnitude of the weights apart (DoRA): slower, often better.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Layers</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Indices of the blocks to adapt; none given means all.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rank by module</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Ranks that differ, by module path or its end: {"layers.0.self_attn.q_proj": 32}.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Format</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>affine, or one of the microscaling float formats.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Quantization</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Bits</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Bits per weight (affine only).</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Group size</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Weights that share one scale (affine: 32, 64 or 128).</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Embedding bits</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Bits of the embedding and head, affine; 16 leaves them as they are. None: as the rest.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>A file (jsonl, json, csv, parquet, txt) or a folder with train and valid.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Data</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>How rows are read; auto looks at the columns.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Columns</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Our name to the file's column: {"prompt": "question", "completion": "human_answers"}.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Loss on</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Every answer of the model, or all text.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Longest row</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rows are cut to this many tokens.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>tokens</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Validation share</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Share of rows held out when the dataset has no validation file of its own.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Row limit</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Use at most this many rows.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Bad rows</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Refuse a dataset in which rows cannot be used, or leave these rows out.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Objective</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Supervised answers, or preferences (chosen against rejected).</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Training</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Method</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Train an adapter, or all weights of a small model.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Epochs</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Passes over the dataset, unless steps are given.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Steps</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Optimizer steps; overrides epochs.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Learning rate</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The peak, after warm-up.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Schedule</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>How the learning rate falls after warm-up.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Warm-up</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Steps in which the learning rate rises from 0.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>steps</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Batch size</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rows in one forward pass, at the most.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>rows</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Tokens per batch</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Token budget of one forward pass; replaces the batch size.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Accumulation</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Batches whose gradients make one step, weighted by their tokens.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>batches</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Optimizer</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>AdamW; Adafactor and Lion keep a smaller state.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Weight decay</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Decoupled decay of the trained weights.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Gradient clipping</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Gradients are scaled down to this norm; none: never.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>LoRA+ ratio</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Learning rate of B over that of A (LoRA+); 1 is plain LoRA.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>NEFTune noise</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Noise on the embeddings in training; 0 is off.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Preference beta</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Strength of the DPO or ORPO preference term.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Gradient checkpointing</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Compute activations twice to keep fewer in memory.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Memory</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Batch layout</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>packed lays rows end to end without padding; padded sorts by length; auto measures.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Loss chunk</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Rows of the vocabulary product at a time; none: from memory.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Memory ceiling</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Stop with a checkpoint before memory goes above this.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>GB</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Evaluate every</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Steps between validations; none: four times a run.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Watching</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Save every</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Steps between checkpoints.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Checkpoints kept</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The newest ones; the best is kept besides.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Early stop</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Stop after this many validations without improvement.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>validations</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Sample prompts</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Prompts that are answered at each validation.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Sample length</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Tokens of each sample, at the most.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Further logs</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Write metrics.csv or TensorBoard files too.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Seed</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Order of the data, dropout and first weights follow from it.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Temperature</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>0 always takes the likeliest token.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Sampling</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Top-k</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Only the k likeliest tokens; 0 is off.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Top-p</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Only the likeliest tokens that together have this probability.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Min-p</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Only tokens with this share of the likeliest one's probability.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Repetition penalty</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Above 1 makes tokens seen before less likely.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Longest answer</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Tokens generated at the most.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Stop strings</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The answer ends before the first of these.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The same seed gives the same answer; none: by chance.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Base model</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Folder of the base model.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Model</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Quantize the base</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>QLoRA: the frozen base is quantized while it loads.</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>SettingsDialog</name>
    <message>
      <source>Settings</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>As the system</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Light</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Dark</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The language changes when the app is opened again.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Tell me when a training run ends</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Appearance:</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Language:</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Notifications:</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Models, runs and chats:</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Appearance</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Language</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>SetupPresenter</name>
    <message>
      <source>Choose a model.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Choose a dataset.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The dataset is not there any more.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Correct the fields marked in red.</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>SetupView</name>
    <message>
      <source>No dataset is chosen</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Base model</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Choose…</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Choose a dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Look at It</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Name of the run</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>As the dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Use the Demo</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The embedded model learns to talk like a pirate</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>What learns from what</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Model:</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Dataset:</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Name:</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Quick</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>60 steps with a small adapter: see whether it goes the right way.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Balanced</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Two passes over the dataset: right for most.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Thorough</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Four passes, larger adapter and batches: when the result matters.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>How thoroughly</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Set by hand: see Advanced.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Sample prompts</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>One a line, such as: What is the capital of Italy?</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Questions to watch</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The model answers these now and again, so that you see how it changes.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Advanced</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Start Training</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Training</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Adapter</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Data</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Quantize the base (QLoRA)</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The base takes a quarter of the memory; the adapter stays exact</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Choose a Dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Datasets ({patterns})</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{count} steps</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>about {time}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>about {size} of memory</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Sidebar</name>
    <message>
      <source>Pages</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Stages</name>
    <message>
      <source>Merging</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Answering</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Reading the prompt</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Loading the model</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Reading the dataset</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Training</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Resuming</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Validating</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Quantizing</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Copying</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>System</name>
    <message>
      <source>Show in Finder</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Show in Folder</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>Wording</name>
    <message>
      <source>bytes</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{number} billion parameters</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{number} million parameters</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{number} parameters</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{seconds} s</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{minutes} min</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>{hours} h {minutes} min</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Fits</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Tight</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Needs {needed}, this Mac allows {allowed}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Needs {needed}, this computer allows {allowed}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Not known</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>This Mac has {total} of memory and allows {allowed} for a model.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>This computer has {total} of memory and allows {allowed} for a model.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Needs {needed}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Too large</source>
      <translation type="unfinished" />
    </message>
  </context>
  <context>
    <name>WorkerProcess</name>
    <message>
      <source>The worker has already ended.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Start it again; the rest of the app is not touched.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Worker process {pid}</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Worker process</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The worker program could not be started.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Reinstall Gemma MLX: its worker is missing or may not be run.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The worker started, but did not answer.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The worker sent something that cannot be read, and was ended.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The worker was stopped.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The system ended the worker, most likely because memory ran out.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>Close other programs, or choose a smaller model, batch or length; then start it again.</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The worker crashed (signal {number}).</source>
      <translation type="unfinished" />
    </message>
    <message>
      <source>The worker ended before its work was done (status {code}).</source>
      <translation type="unfinished" />
    </message>
  </context>
</TS>
