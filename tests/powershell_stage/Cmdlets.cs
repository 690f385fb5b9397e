// Copyright (c) 2026, mailops.exchange contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Cmdlets that say what has come, write values of every kind and fail in every way. They are
// compiled, as Exchange's are: a function that fails is not what a cmdlet that fails is.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace Stage
{
    public enum Colour { None, Red, Green }

    [Flags] public enum Services { None = 0, IMAP = 1, POP = 2, SMTP = 16 }

    public class Thing
    {
        public string Name { get; set; }
        public int Size { get; set; }
        public object Inner { get; set; }
        public string[] Domains { get; set; } = Array.Empty<string>();
        public Services Services { get; set; }
        public string Broken { get { throw new InvalidOperationException("this property cannot be read"); } }

        public override string ToString() { return "thing " + Name; }

        public static Thing Level(int level)
        {
            return new Thing { Name = "level " + level, Size = level, Inner = level > 0 ? Level(level - 1) : null };
        }
    }

    [Cmdlet("Get", "StageEcho", SupportsShouldProcess = true)]
    public class GetStageEchoCommand : PSCmdlet
    {
        [Parameter(Position = 0)] public string Identity;
        [Parameter] public byte[] FileData;
        [Parameter] public SecureString Password;
        [Parameter] public int Number;
        [Parameter] public bool Flag;
        [Parameter] public SwitchParameter Force;
        [Parameter] public string[] DomainName;
        [Parameter] public TimeSpan Span;
        [Parameter] public DateTime Moment;
        [Parameter] public Services Services;
        [Parameter] public object Anything;
        [Parameter] public Hashtable Table;

        static string Say(object value)
        {
            if (value is PSObject) value = ((PSObject)value).BaseObject;
            if (value == null) return "null";
            if (value is byte[]) return "bytes " + Convert.ToBase64String((byte[])value);
            if (value is SecureString) return "secret " + new System.Net.NetworkCredential("", (SecureString)value).Password;
            if (value is string) return "text " + value;
            if (value is DateTime) return "moment " + ((DateTime)value).ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
            if (value is IDictionary) return "table";
            if (value is IEnumerable)
            {
                var said = new List<string>();
                foreach (object item in (IEnumerable)value) said.Add(Say(item));
                return "many [" + string.Join("; ", said) + "]";
            }
            if (value is SwitchParameter) value = ((SwitchParameter)value).ToBool();
            return value.GetType().Name + " " + Convert.ToString(value, CultureInfo.InvariantCulture);
        }

        protected override void ProcessRecord()
        {
            var names = new List<string>(MyInvocation.BoundParameters.Keys);
            names.Sort(StringComparer.Ordinal);
            foreach (string name in names)
                if (!(name.EndsWith("Action") || name.EndsWith("Variable")))
                    WriteObject(name + ": " + Say(MyInvocation.BoundParameters[name]));
            WriteObject("process: " + ShouldProcess("thing", "echo"));
        }
    }

    [Cmdlet("Get", "StageThing")]
    public class GetStageThingCommand : PSCmdlet
    {
        [Parameter(Position = 0)] public string Kind;
        [Parameter] public int Count = 1;

        protected override void ProcessRecord()
        {
            switch (Kind)
            {
                case "null": WriteObject(null); break;
                case "nulls": WriteObject(null); WriteObject("between"); WriteObject(null); break;
                case "things":
                    for (int number = 0; number < Count; number++)
                    {
                        var domains = new string[number];
                        for (int other = 0; other < number; other++) domains[other] = "d" + other;
                        WriteObject(new Thing { Name = "number " + number, Size = number, Domains = domains, Services = Services.IMAP | Services.SMTP });
                    }
                    break;
                case "nested": WriteObject(Thing.Level(Count)); break;
                case "array": WriteObject(new object[] { "a", "b" }); break;
                case "array of one": WriteObject(new object[] { "a" }); break;
                case "empty array": WriteObject(new object[0]); break;
                case "array of arrays": WriteObject(new object[] { new object[] { "a", "b" }, new object[] { "c" } }); break;
                case "bytes": WriteObject(new byte[] { 0, 1, 254, 255 }); break;
                case "table": WriteObject(new Hashtable { { "a", 1 } }); break;
                case "big": WriteObject(new string('x', Count)); break;
                case "values":
                    WriteObject("text \u00e4\u00f6\u00fc \u4f60\u597d \"'`$&<> \0 end\r\nline");
                    WriteObject(true);
                    WriteObject(7);
                    WriteObject(5000000000L);
                    WriteObject(1.5);
                    WriteObject(1.25m);
                    WriteObject(new DateTime(2026, 11, 30, 21, 42, 10, DateTimeKind.Utc));
                    WriteObject(TimeSpan.FromSeconds(90));
                    WriteObject(new Guid("01234567-89ab-cdef-0123-456789abcdef"));
                    WriteObject(new Version(15, 2, 1748, 10));
                    WriteObject(Colour.Red);
                    WriteObject('x');
                    break;
            }
        }
    }

    [Cmdlet("Test", "StageFailure", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
    public class TestStageFailureCommand : PSCmdlet
    {
        [Parameter(Position = 0)] public string Kind;
        [Parameter] [ValidateSet("one", "two")] public string Choice;
        [Parameter] public int Number;

        static ErrorRecord Record(string message) { return Record(message, ErrorCategory.ObjectNotFound, "the target"); }

        static ErrorRecord Record(string message, ErrorCategory category, object target)
        {
            return new ErrorRecord(new InvalidOperationException(message), "StageFailed", category, target);
        }

        void Ask()
        {
            var choices = new System.Collections.ObjectModel.Collection<ChoiceDescription> { new ChoiceDescription("&Yes"), new ChoiceDescription("&No") };
            WriteObject(Host.UI.PromptForChoice("Confirm", "Sure?", choices, 1));
        }

        protected override void ProcessRecord()
        {
            switch (Kind)
            {
                case "error": WriteError(Record("it did not work")); break;
                case "errors": WriteError(Record("first")); WriteError(Record("second")); break;
                case "same twice": WriteError(Record("the same")); WriteError(Record("the same")); break;
                case "output and error": WriteObject("before"); WriteError(Record("it did not work")); WriteObject("after"); break;
                case "terminating": ThrowTerminatingError(Record("it ended")); break;
                case "output and terminating": WriteObject("before"); ThrowTerminatingError(Record("it ended")); break;
                case "error and terminating": WriteError(Record("first")); ThrowTerminatingError(Record("it ended")); break;
                case "exception": throw new ArgumentException("a plain exception");
                case "warning": WriteWarning("be careful"); WriteObject("done"); break;
                case "warnings and error": WriteWarning("one"); WriteWarning("two"); WriteError(Record("it did not work")); break;
                case "should process": WriteObject("process: " + ShouldProcess("thing", "destroy")); break;
                case "should continue": WriteObject("continue: " + ShouldContinue("Overwrite the existing one?", "Confirm")); break;
                case "host prompt": Host.UI.ReadLine(); break;
                case "choice prompt": Ask(); break;
                case "verbose and debug": WriteVerbose("v"); WriteDebug("d"); WriteInformation("i", null); WriteObject("done"); break;
                case "progress": WriteProgress(new ProgressRecord(1, "Work", "half") { PercentComplete = 50 }); WriteObject("done"); break;
                case "line break": WriteError(Record("first line\r\nsecond line  with blanks")); break;
                case "null target": WriteError(Record("no target", ErrorCategory.NotSpecified, null)); break;
                case "array target": WriteError(Record("many targets", ErrorCategory.NotSpecified, new object[] { "a", 1 })); break;
                default: WriteObject("nothing wrong"); break;
            }
        }
    }
}
